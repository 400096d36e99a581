// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// One message being handled by one actor: from its begin event to its end.
struct Handling {
  EventNumber begin = 0;
  EventNumber end = 0;         ///< 0: the trace ends before
  std::int64_t from = 0;       ///< nanoseconds
  std::int64_t to = 0;         ///< of the end; without one, of the last event in the handling
  std::int64_t waited = -1;    ///< nanoseconds from the message's sending; -1: unknown
  std::uint32_t previous = 0;  ///< index plus 1 of what the actor handled before
  std::uint32_t effects = 0;   ///< events in it beside begin and end: sends, spawns, states...

  std::int64_t time() const { return to - from; }
};

/// All handlings of a trace in the order of their begins.
class Handlings {
 public:
  explicit Handlings(const Trace& trace);

  const std::vector<Handling>& all() const { return all_; }
  const Handling& operator[](std::size_t index) const { return all_[index]; }
  std::size_t size() const { return all_.size(); }

  /// Index plus 1 of the handling that a begin event opens; 0 for other events.
  std::uint32_t opened_by(EventNumber begin) const { return by_event_[begin - 1]; }
  /// Index plus 1 of the handling in which an event lies, its own for a begin event; or 0.
  std::uint32_t around(EventNumber number) const;

  /// Indices of the handlings right before this one in which the actor took messages without
  /// doing anything to be seen: what it had gathered when it acted. Latest first.
  std::vector<std::uint32_t> gathered_before(std::size_t index) const;

 private:
  const Trace& trace_;
  std::vector<Handling> all_;
  std::vector<std::uint32_t> by_event_;
};

}  // namespace nodezero::runtime::inspect
