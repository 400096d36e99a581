// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::inspect::testing {

using trace::Event;
using trace::Kind;
using trace::Trace;

/// Puts traces together event by event. Each actor has a thread of its own; each event comes
/// 1000 ns after the one before.
class TraceBuilder {
 public:
  TraceBuilder() {
    trace_.names.emplace_back();
    trace_.actors.emplace_back();
  }

  std::uint32_t spawn(const std::string& name, std::uint32_t number = trace::Actor::unnumbered,
                      std::uint32_t parent = 0);
  /// The words of `payload` are those of the fields of `type`, all of kind number.
  std::uint64_t send(std::uint32_t from, std::uint32_t to, const std::string& type,
                     const std::vector<std::uint64_t>& payload = {}, std::uint8_t flags = 0,
                     std::uint32_t request = 0);
  void begin(std::uint64_t message, std::uint32_t waiting = 0);
  void end(std::uint64_t message, trace::HandlingResult result = trace::HandlingResult::consumed);
  void drop(std::uint64_t message);
  void state(std::uint32_t actor, const std::string& name);
  void exit(std::uint32_t actor, const std::string& reason = "done");

  /// Names the fields of a type; before its first use.
  void fields(const std::string& type, const std::vector<std::string>& names);

  std::uint32_t last() const { return static_cast<std::uint32_t>(trace_.events.size()); }
  Trace build();

 private:
  struct Sent {
    std::uint32_t from = 0, to = 0;
    std::uint16_t type = 0;
  };
  std::uint16_t name(const std::string& text);
  Event& add(Kind kind, std::uint32_t actor, std::uint32_t peer, std::uint32_t thread);

  Trace trace_;
  std::map<std::string, std::uint16_t> names_;
  std::map<std::uint64_t, Sent> sent_;
  std::int64_t time_ = 0;
};

/// Actors that send each other messages at random, with requests, skips, drops and spawns:
/// `events` or a few more, always the same for a seed.
Trace random_trace(std::uint32_t seed, std::uint32_t actors, std::uint32_t events);

}  // namespace nodezero::runtime::inspect::testing
