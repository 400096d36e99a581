// SPDX-License-Identifier: BSD-3-Clause

// One guard hides the absence of another: mutants that are switched on together.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {

std::vector<Mutant> several_at_once() {
  return {
      {"gate and proof",
       "nobody compares a proof, and versions keep their number",
       "A1 A9",
       {},
       {"gate_takes_any_proof", "proof_not_compared", "version_not_advanced"}},
      {"export and halt",
       "a stop takes the state out of a running update",
       "A10 A11",
       {},
       {"exported_during_update", "halt_during_update"}},
      {"sum and children",
       "a sphere reports early and its parent does not look",
       "A1 B1",
       {},
       {"report_before_sum", "report_without_gradients"}},
      {"old step and unchecked",
       "reports of another step are believed and not compared",
       "A8 B4",
       {},
       {"old_step_accepted", "report_without_gradients"}},
      {"twice and unchecked",
       "a worker reports twice and its parent does not look",
       "B2",
       {},
       {"report_twice", "report_without_gradients"}},
      {"report first and unchecked",
       "a report overtakes a gradient and the parent does not look",
       "B1",
       {},
       {"report_first", "report_without_gradients"}},
      {"arrival and work again",
       "a dead child's work is done again and nobody compares",
       "D12",
       {},
       {"arrival_not_noted", "dead_childs_work_all_again", "report_without_gradients"}},
      {"early report, messages counted",
       "a step is closed by messages, whatever has arrived",
       "B1 B2",
       {},
       {"messages_counted", "report_before_sum"}},
      {"epoch anywhere, not advanced",
       "the driver repeats the epoch and node_zero lets it",
       "A6 A8",
       {},
       {"epoch_begins_anywhere", "epoch_not_advanced"}},
      {"death unnoticed, watchdog silent",
       "nobody hears of a child's death, and nobody that nothing happens",
       "D12 A6",
       {{"actors/run/node_zero_ends.cpp", "is_working() && progress == state_.steps.events_at_tick",
         "false"}},
       {"child_not_monitored"}},
  };
}

}  // namespace nodezero::mutants
