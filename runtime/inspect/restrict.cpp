// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/restrict.hpp"

#include <algorithm>

namespace nodezero::runtime::inspect {
namespace {

/// The new number of an event, or 0.
EventNumber renumbered(std::span<const EventNumber> events, EventNumber number) {
  const auto found = std::ranges::lower_bound(events, number);
  return found != events.end() && *found == number
             ? static_cast<EventNumber>(found - events.begin() + 1)
             : 0;
}

}  // namespace

Trace restricted(const Trace& trace, std::span<const EventNumber> events) {
  Trace part = trace;
  part.events.clear();
  for (const auto number : events) {
    part.events.push_back(trace.event(number));
    part.events.back().handling = renumbered(events, trace.event(number).handling);
  }
  for (auto& message : part.messages) {
    for (auto* number : {&message.sent, &message.begun, &message.ended, &message.dropped}) {
      *number = renumbered(events, *number);
    }
  }
  for (auto& actor : part.actors) {
    actor.spawned = renumbered(events, actor.spawned);
    actor.exited = renumbered(events, actor.exited);
  }
  return part;
}

std::vector<Violation> restricted(const std::vector<Violation>& violations,
                                  std::span<const EventNumber> events) {
  std::vector<Violation> kept;
  for (auto violation : violations) {
    violation.first = renumbered(events, violation.first);
    violation.second = renumbered(events, violation.second);
    if (violation.second != 0) {
      kept.push_back(violation);
    }
  }
  return kept;
}

}  // namespace nodezero::runtime::inspect
