// SPDX-License-Identifier: BSD-3-Clause
#include "verify/mutants/mutants.hpp"

namespace nodezero::verify {

using actors::Mutant;

std::vector<MutantEntry> mutant_entries() {
  const std::string conserved =
      "another guard keeps the protocol right without this one; see the pairs";
  return {
      // the end of an epoch
      {"optimizer_answers_on_receipt",
       {Mutant::optimizer_answers_on_receipt},
       "the optimizer answers when it gets the sum",
       "A1 A9",
       ""},
      {"optimizer_answers_before_update",
       {Mutant::optimizer_answers_before_update},
       "the optimizer answers when it has begun the update",
       "A1",
       ""},
      {"gate_takes_any_proof",
       {Mutant::gate_takes_any_proof},
       "the epoch's gate opens with any proof",
       "A1",
       conserved},
      {"proof_not_compared",
       {Mutant::proof_not_compared},
       "node_zero believes any proof while it waits for one",
       "A9",
       conserved},
      {"epoch_begins_anywhere",
       {Mutant::epoch_begins_anywhere},
       "node_zero begins an epoch in any state and place",
       "A6 A8",
       conserved},
      {"snapshot_before_update",
       {Mutant::snapshot_before_update},
       "the next version is announced before it is made",
       "A2",
       ""},
      {"step_counted_twice", {Mutant::step_counted_twice}, "each step counts as two", "B1", ""},
      {"failure_not_answered",
       {Mutant::failure_not_answered},
       "an epoch that failed or was stopped is not answered",
       "A5 A7",
       ""},
      {"halt_during_update",
       {Mutant::halt_during_update},
       "a stop does not wait for the running update",
       "A5 A10",
       ""},
      {"partial_sum_kept",
       {Mutant::partial_sum_kept},
       "the sum of a step is kept when it is over",
       "B4",
       ""},
      {"old_plan_used",
       {Mutant::old_plan_used},
       "a plan that was made ahead is used for any step",
       "B4",
       conserved},
      // a sphere and its children
      {"messages_counted",
       {Mutant::messages_counted},
       "a step is closed by as many messages as there are children",
       "B2",
       ""},
      {"old_step_accepted",
       {Mutant::old_step_accepted},
       "messages of another step are believed",
       "A8 B4",
       ""},
      {"report_without_gradients",
       {Mutant::report_without_gradients},
       "a report is not compared with what was assigned and came",
       "B1",
       conserved},
      {"report_before_sum",
       {Mutant::report_before_sum},
       "a sphere reports before its sum is passed up",
       "A1 B1",
       ""},
      {"report_before_children",
       {Mutant::report_before_children},
       "a sphere reports before all children have",
       "B2",
       ""},
      {"second_gradient_accepted",
       {Mutant::second_gradient_accepted},
       "a gradient that came before is taken again",
       "B1",
       "a message's content can be taken once (Moved): whoever takes a gradient again dies of it, "
       "as after any other fault, and is replaced"},
      {"child_not_monitored",
       {Mutant::child_not_monitored},
       "nobody hears of a child's death",
       "D12",
       ""},
      {"dead_childs_work_lost",
       {Mutant::dead_childs_work_lost},
       "a dead child's work is not assigned again",
       "D12",
       ""},
      {"dead_childs_work_all_again",
       {Mutant::dead_childs_work_all_again},
       "a dead child's work is assigned again, also what had arrived",
       "D12",
       ""},
      {"positions_kept",
       {Mutant::positions_kept},
       "a child keeps the last step's positions",
       "B4",
       ""},
      {"empty_child_silent",
       {Mutant::empty_child_silent},
       "a child without work does not report",
       "B3",
       ""},
      {"report_first", {Mutant::report_first}, "a report overtakes the last gradient", "B1", ""},
      {"report_twice", {Mutant::report_twice}, "a worker reports twice", "B2", ""},
      {"first_gradient_reports",
       {Mutant::first_gradient_reports},
       "a worker closes its step with its first gradient",
       "C2",
       ""},
      {"old_answer_used",
       {Mutant::old_answer_used},
       "a lane's answer for another step is used",
       "B4",
       "a step is given up only when its epoch fails or the run stops, and no step is opened after "
       "that, so that there is none that the answer could be used for"},
      {"abandoned_step_goes_on",
       {Mutant::abandoned_step_goes_on},
       "a sphere does not close a step that is abandoned",
       "A10",
       ""},
      {"arrival_not_noted",
       {Mutant::arrival_not_noted},
       "it is not noted which positions have arrived",
       "B1",
       ""},
      {"sibling_not_checked",
       {Mutant::sibling_not_checked},
       "what comes second is added to what came first, sibling or not",
       "C1",
       ""},
      // the lanes
      {"wake_up_lost",
       {Mutant::wake_up_lost},
       "a lane that becomes free is not given the next job",
       "A6",
       ""},
      {"refused_work_unanswered",
       {Mutant::refused_work_unanswered},
       "micro-batches that are refused are not answered",
       "B5",
       "who asked for them has closed the step and waits for no answer"},
      {"too_few_buffers",
       {Mutant::too_few_buffers},
       "only one gradient buffer may be in use",
       "B5",
       ""},
      {"any_position_starts",
       {Mutant::any_position_starts},
       "micro-batches start in any order",
       "B5",
       ""},
      {"buffer_kept", {Mutant::buffer_kept}, "gradient buffers are not given back", "D9", ""},
      // the optimizer
      {"version_not_compared",
       {Mutant::version_not_compared},
       "the optimizer applies a sum of any version",
       "A9",
       conserved},
      {"version_not_advanced",
       {Mutant::version_not_advanced},
       "a new version keeps the old one's number",
       "A9",
       ""},
      {"buffer_in_use_written",
       {Mutant::buffer_in_use_written},
       "a version that is being read is written",
       "A2 A9 A10",
       ""},
      {"exported_during_update",
       {Mutant::exported_during_update},
       "the optimizer hands out its state during an update",
       "A11",
       "node_zero asks for it after the update only; see the pairs"},
      // the lifecycle and the driver
      {"introduction_forgets_stop",
       {Mutant::introduction_forgets_stop},
       "a stop that comes before node_zero is known is forgotten",
       "A5 A6",
       ""},
      {"stop_answered_at_once",
       {Mutant::stop_answered_at_once},
       "a stop is answered before anything is saved",
       "A11",
       ""},
      {"second_stop_forgotten",
       {Mutant::second_stop_forgotten},
       "a second stop is not answered",
       "A5",
       ""},
      {"generate_while_draining",
       {Mutant::generate_while_draining},
       "inference is accepted while the run stops",
       "A10 A11",
       ""},
      {"waiting_forgotten_at_boundary",
       {Mutant::waiting_forgotten_at_boundary},
       "requests that wait for a boundary are forgotten there",
       "A2",
       ""},
      {"waiting_forgotten_at_failure",
       {Mutant::waiting_forgotten_at_failure},
       "requests that wait are forgotten when the epoch fails",
       "A2",
       "a failure makes the driver stop the run, which refuses what still waits"},
      {"snapshot_in_mid_epoch",
       {Mutant::snapshot_in_mid_epoch},
       "any snapshot ends the state of training",
       "A11",
       ""},
      {"run_not_stopped_at_end",
       {Mutant::run_not_stopped_at_end},
       "the run's end does not wait until all is saved",
       "A11",
       ""},
      {"epoch_not_advanced",
       {Mutant::epoch_not_advanced},
       "the driver repeats the epoch",
       "A3 A8",
       ""},
      // one guard hides another's absence
      {"gate and proof",
       {Mutant::gate_takes_any_proof, Mutant::proof_not_compared, Mutant::version_not_advanced},
       "nobody compares a proof, and versions keep their number",
       "A1 A9",
       ""},
      {"export and halt",
       {Mutant::exported_during_update, Mutant::halt_during_update},
       "a stop takes the state out of a running update",
       "A10 A11",
       ""},
      {"sum and children",
       {Mutant::report_before_sum, Mutant::report_without_gradients},
       "a sphere reports early and its parent does not look",
       "A1 B1",
       ""},
      {"old step and unchecked",
       {Mutant::old_step_accepted, Mutant::report_without_gradients},
       "reports of another step are believed and not compared",
       "A8 B4",
       ""},
      {"twice and unchecked",
       {Mutant::report_twice, Mutant::report_without_gradients},
       "a worker reports twice and its parent does not look",
       "B2",
       ""},
      {"report first and unchecked",
       {Mutant::report_first, Mutant::report_without_gradients},
       "a report overtakes a gradient and the parent does not look",
       "B1",
       ""},
      {"arrival and work again",
       {Mutant::arrival_not_noted, Mutant::dead_childs_work_all_again,
        Mutant::report_without_gradients},
       "a dead child's work is done again and nobody compares",
       "D12",
       ""},
      {"early report, messages counted",
       {Mutant::messages_counted, Mutant::report_before_sum},
       "a step is closed by messages, whatever has arrived",
       "B1 B2",
       ""},
      {"epoch anywhere, not advanced",
       {Mutant::epoch_begins_anywhere, Mutant::epoch_not_advanced},
       "the driver repeats the epoch and node_zero lets it",
       "A6 A8",
       ""},
  };
}

std::vector<Question> mutant_questions() {
  std::vector<Question> questions;
  // Small ones first: what they show is short.
  Question tree;
  tree.scope = Scope::tree;
  tree.tree = "(..)";
  questions.push_back(tree);
  tree.micro_batches = 1;
  questions.push_back(tree);
  tree.steps = 2;
  tree.micro_batches = 3;
  questions.push_back(tree);
  tree.tree = "(.(..))";
  tree.epochs = 2;
  questions.push_back(tree);
  tree.epochs = 1;
  tree.steps = 1;
  tree.tree = "(.)";
  tree.micro_batches = 2;
  tree.faults = 1;
  questions.push_back(tree);
  tree.tree = "((..).)";
  tree.micro_batches = 4;
  questions.push_back(tree);
  Question duplicates = tree;
  duplicates.tree = "(..)";
  duplicates.kills = false;
  duplicates.duplicates = true;
  duplicates.steps = 2;
  duplicates.micro_batches = 2;
  questions.push_back(duplicates);

  Question run;
  run.spheres = 1;
  questions.push_back(run);
  run.micro_batches = 2;
  questions.push_back(run);
  run.micro_batches = 0;
  run.stops = 1;
  questions.push_back(run);
  run.stops = 2;
  questions.push_back(run);
  run.stops = 0;
  run.inference = 1;
  questions.push_back(run);
  run.steps = 2;
  questions.push_back(run);
  run.policy = "wait";
  questions.push_back(run);
  run.stops = 1;
  questions.push_back(run);
  run.stops = 0;
  run.evaluate_every = 1;
  questions.push_back(run);
  run = {};
  run.micro_batches = 6;
  run.faults = 1;
  questions.push_back(run);
  run.faults = 0;
  run.micro_batches = 4;
  run.epochs = 2;
  run.steps = 2;
  run.lanes = 2;
  run.micro_batches = 4;
  questions.push_back(run);
  run.stops = 1;
  run.checkpoint_every = 1;
  questions.push_back(run);
  run.stops = 0;
  run.inference = 1;
  run.policy = "wait";
  run.faults = 4;  // as often as a micro-batch may fail
  questions.push_back(run);
  // As many sums that wait for a sibling as there may be buffers, if they come in a bad order.
  run = {};
  run.micro_batches = 16;
  questions.push_back(run);
  return questions;
}

}  // namespace nodezero::verify
