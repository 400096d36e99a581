// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/causal_order.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {

CausalOrder::CausalOrder(const Trace& trace) : trace_(trace) {
  // Numbers of threads are whatever the file says: only those that occur become processes.
  std::uint32_t threads = 0;
  for (const Event& event : trace.events) {
    if (event.actor == 0 || (event.kind == Kind::spawn && event.peer == 0)) {
      threads += threads_.try_emplace(event.thread, threads).second ? 1 : 0;
    }
  }
  const auto actors = static_cast<std::uint32_t>(std::max<std::size_t>(trace.actors.size(), 1));
  processes_ = actors + threads;
  causes_.resize(trace.events.size());
  std::vector<EventNumber> last(processes_);
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const Event& event = trace.event(number);
    if (event.kind == Kind::begin || event.kind == Kind::drop) {
      const auto* message = trace.message_of(event);
      const EventNumber sent = message ? message->sent : 0;
      causes_[number - 1] = sent < number ? sent : 0;
    } else if (event.kind == Kind::spawn) {
      causes_[number - 1] = last[event.peer != 0 ? event.peer : actors + threads_.at(event.thread)];
    }
    if (const std::uint32_t own = process(number); own != no_process) {
      last[own] = number;
    }
  }
  std::unordered_map<std::string, std::uint32_t> times;
  for (std::uint32_t process = 0; process < processes_; ++process) {
    std::string name = trace.actor_name(process < actors ? process : 0);
    // Entry 0 of the actors is not a process.
    const std::uint32_t time = process == 0 ? 1 : ++times[name];
    names_.push_back(time == 1 ? name : fmt::format("{} ({})", name, time));
  }
}

std::uint32_t CausalOrder::process(EventNumber number) const {
  const Event& event = trace_.event(number);
  if (event.kind == Kind::drop) {
    return no_process;
  }
  return event.actor != 0
             ? event.actor
             : static_cast<std::uint32_t>(trace_.actors.size()) + threads_.at(event.thread);
}

CausalOrder::Reached CausalOrder::reach(EventNumber first, EventNumber second) const {
  Reached reached;
  reached.since.resize(processes_);
  reached.causes.resize(processes_);
  if (first == 0 || first >= second || process(first) == no_process) {
    return reached;
  }
  const std::uint32_t target = process(second);
  reached.since[process(first)] = first;
  const auto follows = [&](EventNumber number) {
    const std::uint32_t own = number < first ? no_process : process(number);
    return own != no_process && reached.since[own] != 0 && reached.since[own] <= number;
  };
  for (EventNumber number = first + 1; number <= second; ++number) {
    const std::uint32_t own = process(number);
    const bool is_new = own == no_process ? number == second : reached.since[own] == 0;
    if (is_new && cause(number) != 0 && follows(cause(number))) {
      if (own == no_process) {
        reached.second_cause = cause(number);
      } else {
        reached.since[own] = number;
        reached.causes[own] = cause(number);
      }
    }
    if (target != no_process && reached.since[target] != 0) {
      break;
    }
  }
  reached.second = target == no_process ? reached.second_cause != 0 : reached.since[target] != 0;
  return reached;
}

bool CausalOrder::happened_before(EventNumber first, EventNumber second) const {
  return reach(first, second).second;
}

std::vector<EventNumber> CausalOrder::past(EventNumber number) const {
  // By process: its last event that happened before.
  std::vector<EventNumber> last(processes_);
  const auto need = [&](EventNumber earlier) {
    if (earlier != 0 && process(earlier) != no_process) {
      auto& known = last[process(earlier)];
      known = std::max(known, earlier);
    }
  };
  need(number);
  need(cause(number));
  std::vector<EventNumber> found{number};
  for (EventNumber earlier = number - 1; earlier > 0; --earlier) {
    const std::uint32_t own = process(earlier);
    if (own != no_process && earlier <= last[own]) {
      found.push_back(earlier);
      need(cause(earlier));
    }
  }
  std::reverse(found.begin(), found.end());
  return found;
}

std::vector<CausalOrder::Hop> CausalOrder::chain(EventNumber first, EventNumber second) const {
  const Reached reached = reach(first, second);
  std::vector<Hop> hops;
  if (!reached.second) {
    return hops;
  }
  std::uint32_t at = process(second);
  if (at == no_process) {
    hops.push_back({reached.second_cause, second});
    at = process(reached.second_cause);
  }
  while (reached.causes[at] != 0) {
    hops.push_back({reached.causes[at], reached.since[at]});
    at = process(reached.causes[at]);
  }
  std::reverse(hops.begin(), hops.end());
  return hops;
}

}  // namespace nodezero::runtime::inspect
