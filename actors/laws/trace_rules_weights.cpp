// SPDX-License-Identifier: BSD-3-Clause

// Rules about versions of the weights.

#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "actors/laws/trace_facts.hpp"
#include "runtime/inspect/causal_order.hpp"

namespace nodezero::actors {
namespace {

/// How much the step that an optimizer_complete answers raised the version: 0 for an epoch
/// without steps.
std::uint64_t raised_by(const TraceFacts& facts, EventNumber complete) {
  const auto* message = facts.trace().message_of(facts.event(complete));
  const auto request =
      message->request == 0 ? 0 : facts.trace().messages[message->request - 1].sent;
  return request != 0 && facts.field(request, "with_gradient") == 0u ? 0 : 1;
}

}  // namespace

void check_versions_rise(const TraceFacts& facts, Findings& findings) {
  EventNumber before = 0;
  for (const auto complete : facts.sends({"optimizer_complete"})) {
    if (before != 0) {
      const auto old_version = facts.number(before, "version");
      const auto version = facts.number(complete, "version");
      if (version != old_version + raised_by(facts, complete)) {
        findings.missing(!facts.has_gaps(), before, complete,
                         fmt::format("version {} of the weights was followed by version {}",
                                     old_version, version));
      }
    }
    before = complete;
  }
}

void check_inference_reads_complete_versions(const TraceFacts& facts, Findings& findings) {
  const auto completes = facts.sends({"optimizer_complete"});
  const auto readings = facts.sends({"infer", "generate_some", "generated"});
  if (completes.empty() || readings.empty()) {
    return;
  }
  // Every version before the trace's first was complete before it. From there on each process
  // knows the versions that are complete in its causal past: one number, carried by messages.
  const Trace& trace = facts.trace();
  const auto first_version = facts.number(completes.front(), "version");
  const auto raised = raised_by(facts, completes.front());
  const auto initial = first_version >= raised ? first_version - raised : 0;
  const runtime::inspect::CausalOrder order(trace);
  std::vector<std::uint64_t> known(order.processes(), initial);
  std::vector<std::uint64_t> carried(trace.messages.size(), initial);
  auto complete = completes.begin();
  auto reading = readings.begin();
  for (EventNumber number = 1; number <= trace.events.size(); ++number) {
    const auto process = order.process(number);
    if (process == runtime::inspect::CausalOrder::no_process) {
      continue;
    }
    const Event& event = trace.event(number);
    if (event.kind == Kind::begin && order.cause(number) != 0) {
      known[process] = std::max(known[process], carried[event.life - 1]);
    } else if (event.kind == Kind::spawn && order.cause(number) != 0) {
      known[process] = std::max(known[process], known[order.process(order.cause(number))]);
    }
    if (complete != completes.end() && *complete == number) {
      ++complete;
      known[process] = std::max(known[process], facts.number(number, "version"));
    }
    if (event.kind == Kind::send) {
      carried[event.life - 1] = known[process];
    }
    if (reading != readings.end() && *reading == number) {
      ++reading;
      const auto version = facts.number(number, "version");
      if (version > known[process]) {
        const auto made = std::find_if(completes.begin(), completes.end(), [&](EventNumber proof) {
          return facts.number(proof, "version") == version;
        });
        const EventNumber maker = made == completes.end() ? 0 : *made;
        findings.missing(!facts.has_gaps(), std::min(maker, number), std::max(maker, number),
                         fmt::format("{} reads version {} of the weights while version {} is the "
                                     "last that is known to be complete",
                                     facts.actor_kind(number), version, known[process]));
      }
    }
  }
}

}  // namespace nodezero::actors
