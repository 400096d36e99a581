// SPDX-License-Identifier: BSD-3-Clause

// Rules about the run as a whole.

#include <algorithm>
#include <array>
#include <map>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "actors/laws/trace_facts.hpp"

namespace nodezero::actors {

void check_lifecycle_transitions(const TraceFacts& facts, Findings& findings) {
  // As lifecycle.hpp draws them.
  using Step = std::pair<std::string_view, std::string_view>;
  constexpr std::array<Step, 10> allowed = {{{"idle", "training"},
                                             {"training", "quiescent"},
                                             {"quiescent", "training"},
                                             {"training", "failed"},
                                             {"idle", "draining"},
                                             {"training", "draining"},
                                             {"quiescent", "draining"},
                                             {"failed", "draining"},
                                             {"draining", "stopped"},
                                             {"", "idle"}}};
  std::map<std::uint32_t, EventNumber> states;  // by actor
  const Trace& trace = facts.trace();
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const Event& event = trace.event(number);
    if (event.kind != Kind::state || facts.actor_kind(number) != "lifecycle") {
      continue;
    }
    const EventNumber before = std::exchange(states[event.actor], number);
    if (before == 0 && !facts.knows_the_past()) {
      continue;
    }
    const auto from = before == 0 ? std::string_view() : facts.type(before);
    if (std::ranges::find(allowed, Step{from, facts.type(number)}) == allowed.end()) {
      findings.missing(!facts.has_gaps(), before, number,
                       fmt::format("the lifecycle went from {} to {}",
                                   before == 0 ? "its spawn" : from, facts.type(number)));
    }
  }
}

void check_requests_answered(const TraceFacts& facts, Findings& findings) {
  const Trace& trace = facts.trace();
  // When a run that did not fail has said its last word, nothing is left to wait for. One that
  // fails may leave work of the abandoned step on a lane. There, and without a last word, whoever
  // has ended may have been ended with requests open.
  const auto ends = facts.sends({"run_ended"});
  const bool was_awaited = !ends.empty() && facts.number(ends.back(), "code") == 0;
  const EventNumber end = was_awaited ? ends.back() : 0xffffffff;
  for (const auto& message : trace.messages) {
    if (message.sent == 0 || message.response != 0 || message.sent > end) {
      continue;
    }
    const Event& request = trace.event(message.sent);
    const auto exited = trace.actors[request.actor].exited;
    const bool is_open = (request.detail & runtime::trace::is_request) != 0 &&
                         (request.detail & runtime::trace::is_forwarded) == 0 &&
                         request.actor != 0 && (exited == 0 || exited > end);
    if (is_open) {
      findings.missing(facts.knows_the_end(), message.sent,
                       message.begun != 0 ? message.begun : message.sent,
                       fmt::format("{} was never answered by {}", trace.name(request.type),
                                   trace.actor_name(request.peer)));
    }
  }
}

}  // namespace nodezero::actors
