// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/handlings.hpp"

#include <algorithm>
#include <utility>

namespace nodezero::runtime::inspect {

Handlings::Handlings(const Trace& trace) : trace_(trace), by_event_(trace.events.size()) {
  std::vector<std::uint32_t> last(trace.actors.size());
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const Event& event = trace.event(number);
    if (event.kind == Kind::begin) {
      Handling handling;
      handling.begin = number;
      handling.from = handling.to = event.time;
      const auto* message = trace.message_of(event);
      const EventNumber sent = message ? message->sent : 0;
      if (sent != 0 && sent < number) {
        handling.waited = std::max<std::int64_t>(0, event.time - trace.event(sent).time);
      }
      handling.previous =
          std::exchange(last[event.actor], static_cast<std::uint32_t>(all_.size() + 1));
      all_.push_back(handling);
      by_event_[number - 1] = static_cast<std::uint32_t>(all_.size());
      continue;
    }
    const std::uint32_t around = event.handling == 0 ? 0 : by_event_[event.handling - 1];
    if (around == 0) {
      continue;
    }
    Handling& handling = all_[around - 1];
    handling.to = std::max(handling.to, event.time);
    if (event.kind == Kind::end) {
      handling.end = number;
    } else {
      ++handling.effects;
    }
  }
}

std::uint32_t Handlings::around(EventNumber number) const {
  const Event& event = trace_.event(number);
  if (event.kind == Kind::begin) {
    return by_event_[number - 1];
  }
  return event.handling == 0 ? 0 : by_event_[event.handling - 1];
}

std::vector<std::uint32_t> Handlings::gathered_before(std::size_t index) const {
  std::vector<std::uint32_t> gathered;
  for (std::uint32_t earlier = all_[index].previous; earlier != 0 && all_[earlier - 1].effects == 0;
       earlier = all_[earlier - 1].previous) {
    gathered.push_back(earlier - 1);
  }
  return gathered;
}

}  // namespace nodezero::runtime::inspect
