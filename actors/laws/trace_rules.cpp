// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/trace_rules.hpp"

#include <algorithm>
#include <array>

#include "actors/laws/trace_facts.hpp"

namespace nodezero::actors {

std::span<const TraceRule> trace_rules() {
  static constexpr std::array<TraceRule, 9> rules = {{
      {"epoch-done-after-last-step",
       "An epoch is answered with epoch_done only after the optimizer has completed its last step",
       check_epoch_done_after_last_step},
      {"epoch-done-once", "An epoch is answered with epoch_done at most once",
       check_epoch_done_once},
      {"conservation",
       "Every micro-batch of a step is delivered exactly once by the sphere that it was assigned "
       "to, and is in the step's sum exactly once",
       check_conservation},
      {"one-report", "Each child closes each step with exactly one report", check_one_report},
      {"no-older-epoch", "No message of an older epoch is handled as one of the current epoch",
       check_no_older_epoch},
      {"versions-rise-by-one", "Each applied step raises the version of the weights by one",
       check_versions_rise},
      {"inference-reads-complete-versions",
       "Inference reads only versions of the weights that the optimizer has completed",
       check_inference_reads_complete_versions},
      {"lifecycle-transitions", "The lifecycle makes only the transitions that it may make",
       check_lifecycle_transitions},
      {"requests-answered", "Every request is answered", check_requests_answered},
  }};
  return rules;
}

TraceVerdict check_trace(const Trace& trace) {
  const TraceFacts facts(trace);
  TraceVerdict verdict;
  for (const auto& rule : trace_rules()) {
    const std::size_t before = verdict.violations.size();
    Findings findings(rule.name, verdict.violations);
    rule.check(facts, findings);
    std::stable_sort(verdict.violations.begin() + static_cast<std::ptrdiff_t>(before),
                     verdict.violations.end(),
                     [](const auto& a, const auto& b) { return a.second < b.second; });
    if (!findings.reason_undecided().empty()) {
      verdict.undecided.push_back({std::string(rule.name), findings.reason_undecided()});
    }
  }
  return verdict;
}

}  // namespace nodezero::actors
