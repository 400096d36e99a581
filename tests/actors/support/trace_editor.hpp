// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string_view>
#include <vector>

#include "runtime/trace/trace.hpp"

namespace nodezero::actors::testing {

/// Edits a recorded trace, so that it tells of a run that broke a law. Events are numbered from
/// 1; after each edit that adds or takes away events the later ones have other numbers.
class TraceEditor {
 public:
  using Event = runtime::trace::Event;
  using Kind = runtime::trace::Kind;
  using Trace = runtime::trace::Trace;

  explicit TraceEditor(Trace trace) : trace_(std::move(trace)) {}

  const Trace& trace() const { return trace_; }

  /// The nth event, from 1, of this kind about this type for which `matches` is true, or 0.
  std::uint32_t find(
      Kind kind, std::string_view type, std::uint32_t nth = 1,
      const std::function<bool(const Event&)>& matches = [](const Event&) { return true; }) const;

  std::uint64_t number(std::uint32_t event, std::string_view field) const;
  /// Changes a number in the payload that a sending has.
  void set_number(std::uint32_t send, std::string_view field, std::uint64_t value);
  void set_type(std::uint32_t event, std::string_view name);

  /// Moves an event to right before another.
  void move_before(std::uint32_t event, std::uint32_t before);
  void erase(std::initializer_list<std::uint32_t> events);
  /// Adds a copy of a message's sending right after the event, on its thread, with a new id.
  /// Returns the copy's number.
  std::uint32_t send_again(std::uint32_t after, std::uint32_t send);
  /// Adds the handling of a message that was sent by `send`, with sendings in it that are copies
  /// of `sends`, right after the event.
  void handle(std::uint32_t after, std::uint32_t send, std::vector<std::uint32_t> sends = {});

 private:
  void insert(std::uint32_t after, Event event);

  Trace trace_;
  std::uint64_t new_messages_ = 0;
};

}  // namespace nodezero::actors::testing
