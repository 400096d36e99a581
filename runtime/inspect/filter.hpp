// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/inspect/causal_order.hpp"

namespace nodezero::runtime::inspect {

/// Which events a person wants to see; what is empty does not restrict.
struct Filter {
  std::vector<std::string> actors;  ///< "worker 3", or "worker" for all of that name
  std::vector<std::string> types;   ///< of messages, or names of states
  std::optional<std::uint64_t> epoch;
  std::optional<std::uint64_t> step;
  std::optional<std::pair<EventNumber, EventNumber>> between;  ///< both included

  bool restricts() const { return !actors.empty() || !types.empty() || epoch || step || between; }
};

/// Numbers of the events that pass the filter, ascending. An event that names no epoch or step
/// itself belongs to that of the message in whose handling it happened. An event of an actor is
/// also a message that is sent to it.
/// Fails with one line if the trace has no such actor, type or event.
Result<std::vector<EventNumber>> select(const Trace& trace, const Filter& filter);

/// The value of a payload field of the event, or else of the message in whose handling it
/// happened.
std::optional<std::uint64_t> number_around(const Trace& trace, const Event& event,
                                           std::string_view field);

/// "there is no event 7: the trace has 5", if that is so.
std::optional<std::string> missing_event(const Trace& trace, std::uint64_t number);

}  // namespace nodezero::runtime::inspect
