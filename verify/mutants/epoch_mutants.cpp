// SPDX-License-Identifier: BSD-3-Clause

// Mutants of what begins and ends an epoch: node_zero, the gate, the driver.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto node_zero = "actors/run/node_zero.cpp";
constexpr auto ends = "actors/run/node_zero_ends.cpp";
constexpr auto driver = "actors/run/driver.cpp";

}  // namespace

std::vector<Mutant> of_epochs() {
  const auto guarded = "another guard keeps the protocol right without this one; see the pairs";
  return {
      // node_zero: the end of an epoch
      {"gate_takes_any_proof",
       "the epoch's gate opens with any proof",
       "A1",
       {{"actors/epoch_gate.hpp", "opens_with(proof)", "true"}},
       {},
       guarded},
      {"proof_not_compared",
       "node_zero believes any proof while it waits for one",
       "A9",
       {{node_zero,
         "!proof.sealed() || proof.envelope().step != progress.step ||"
         "proof.envelope().version != progress.version + applied",
         "false"}},
       {},
       guarded},
      {"epoch_begins_anywhere",
       "node_zero begins an epoch in any state and place",
       "A6 A8",
       {{node_zero, "!in<idle>() || message.envelope != here()", "false"}},
       {},
       guarded},
      {"last_step_miscounted",
       "the gate waits for the proof of one step more than the epoch has",
       "A1",
       {{node_zero, "first_step + steps - 1", "first_step + steps"}}},
      {"step_counted_twice",
       "each step counts as two",
       "B1",
       {{node_zero, "count_step(proof);", "count_step(proof); ++progress.step_in_epoch;"}}},
      {"epoch_number_kept",
       "node_zero trains the same epoch again",
       "A3",
       {{node_zero, "++progress.epoch;", ""}}},
      {"steps_of_last_epoch_kept",
       "the steps of the last epoch count in the next",
       "A3",
       {{node_zero, "progress.step_in_epoch = 0;", ""}}},
      {"snapshot_before_update",
       "the next version is announced before it is made",
       "A2",
       {{node_zero, "state_.steps.weights.reset();",
         "send(node_.lifecycle, snapshot{{here().run, here().epoch, here().step + 1,"
         "here().version + 1}, state_.steps.weights, false}); state_.steps.weights.reset();"}}},
      {"boundary_not_announced",
       "the lifecycle hears nothing of an epoch's end",
       "A2",
       {{node_zero, "send_snapshot(true);", ""}}},
      {"partial_sum_kept",
       "the sum of a step is kept when it is over",
       "B4",
       {{node_zero, "sum.reset(); state_.steps.weights.reset();", "state_.steps.weights.reset();"},
        {"actors/run/node_zero.hpp", "state_.steps = {};",
         "auto kept = std::move(state_.steps.sum); state_.steps = {};"
         "state_.steps.sum = std::move(kept);"}},
       {},
       {},
       "what an actor keeps is not in a trace"},
      {"evaluation_not_answered",
       "node_zero keeps what an evaluation has found to itself",
       "A5",
       {{node_zero, "std::exchange(state_.evaluation, {}).deliver(summary);", ""}}},
      {"old_plan_used",
       "a plan that was made ahead is used for any step",
       "B4",
       {{node_zero, "ahead->envelope.step == state_.progress.step", "true"}},
       {},
       guarded},
      // node_zero: failures and halts
      {"failure_not_answered",
       "an epoch that failed or was stopped is not answered",
       "A5 A7",
       {{ends,
         "if (state_.epoch) {"
         "auto gate = std::move(std::exchange(state_.epoch, std::nullopt)->gate);"
         "std::move(gate).fail(reason); }",
         ""}}},
      {"halt_during_update",
       "a stop does not wait for the running update",
       "A5 A10",
       {{node_zero,
         "if (in<applying>()) {"
         "return promise;  // the step counts; take_proof goes on from there\n}",
         ""}}},
      {"halt_forgotten_after_update",
       "a stop that has waited for the update is forgotten",
       "A5 A6",
       {{node_zero, "if (state_.halt.pending()) { give_up_step(",
         "if (state_.halt.pending() && !$on) { give_up_step("}}},
      {"halted_without_weights",
       "a run that is stopped hands over no weights",
       "A11",
       {{ends, "state.weights", "nullptr"}},
       {},
       {},
       "a trace says of which version the weights in a message are, and not whether they are "
       "there"},
      // the driver
      {"epoch_not_advanced",
       "the driver repeats the epoch",
       "A3 A8",
       {{driver, "++state_.envelope.epoch;", ""}}},
      {"driver_step_kept",
       "the driver asks for the next epoch at the step of the last",
       "A8",
       {{driver, "state_.envelope.step = done.envelope().step + (has_trained ? 1 : 0);", ""}}},
      {"driver_version_kept",
       "the driver asks for the next epoch with the version before the last",
       "A8 A9",
       {{driver, "state_.envelope.version = done.envelope().version;", ""}}},
      {"stop_taken_for_failure",
       "a run that was stopped says that it has failed",
       "A5",
       {{driver,
         "if (reason && reason->code == ErrorCode::stopped) { state_.was_stopped = true; "
         "reason.reset(); }",
         ""}}},
      {"run_not_stopped_at_end",
       "the run's end does not wait until all is saved",
       "A11",
       {{driver,
         "if (reason && reason->code == ErrorCode::stopped) { state_.was_stopped = true; "
         "reason.reset(); }",
         "if (reason && reason->code == ErrorCode::stopped) { state_.was_stopped = true; "
         "reason.reset(); }"
         "deliver(reason, {}); return;"}}},
  };
}

}  // namespace nodezero::mutants
