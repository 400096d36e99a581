// SPDX-License-Identifier: BSD-3-Clause
#include "actors/laws/trace_phrases.hpp"

namespace nodezero::actors {

const runtime::inspect::Phrases& trace_phrases() {
  static const runtime::inspect::Phrases phrases = {
      {"run_all", "asked {to} to run all epochs"},
      {"run_ended", "told {to} that the run has ended"},
      {"begin_epoch", "asked {to} to train epoch {epoch} from step {step} on"},
      {"epoch_done",
       "told {to} that epoch {epoch} is done, with step {step} and version {version}"},
      {"evaluate", "asked {to} to evaluate version {version}"},
      {"evaluated", "told {to} that version {version} has the loss {loss}"},
      {"plan_step", "asked {to} for the micro-batches of step {step}"},
      {"step_plan", "gave {to} the {micro_batches micro-batch micro-batches} of step {step}"},
      {"assign", "assigned the micro-batches {positions} of step {step} to {to}"},
      {"abandon", "told {to} to abandon step {step}"},
      {"gradient", "gave {to} the sum of micro-batches [{first}, {last}) of step {step}"},
      {"report", "reported the micro-batches {positions} of step {step} to {to}"},
      {"step_failed", "told {to} that step {step} has failed"},
      {"compute", "asked {to} to compute micro-batch {position} of step {step}"},
      {"sum_shard", "asked {to} to add up the micro-batches [{first}, {last}) of step {step}"},
      {"computed", "gave {to} a gradient of step {step}"},
      {"update_shard", "asked {to} to update blocks [{first_block}, {last_block}) in step {step}"},
      {"shard_done", "told {to} that a shard of step {step} is done"},
      {"apply", "asked {to} to apply the sum of step {step}"},
      {"optimizer_complete", "told {to} that step {step} is complete as version {version}"},
      {"export_state", "asked {to} to hand over the weights"},
      {"exported_state", "handed version {version} of the weights over to {to}"},
      {"training", "told {to} that epoch {epoch} is being trained, up to step {last_step}"},
      {"snapshot", "gave {to} version {version} of the weights to read"},
      {"epoch_failed", "told {to} that epoch {epoch} has failed"},
      {"generate", "asked {to} to generate {tokens token tokens}"},
      {"infer", "asked {to} to generate {tokens token tokens} with version {version}"},
      {"generated", "gave {to} {tokens token tokens} of version {version}"},
      {"generate_some", "asked {to} to generate {tokens token tokens} more with version {version}"},
      {"generated_piece", "told {to} {tokens token tokens} of version {version}"},
      {"abandon_request", "told {to} that nobody wants the rest of the answer"},
      {"generated_some", "told {to} that some tokens are generated"},
      {"stop", "asked {to} to stop the run"},
      {"halt", "asked {to} to discard the unfinished step and save"},
      {"halted", "told {to} that the run stands at step {step}"},
      {"stopped", "told {to} that the run has stopped"},
      {"save", "asked {to} to write a checkpoint of step {step}"},
      {"save_best", "asked {to} to keep version {version} as the best"},
      {"saved", "told {to} that step {step} is saved"},
      {"error", "answered {to} with an error"},
      {"down", "told {to} that it has ended"},
      {"exit", "told {to} to end"},
  };
  return phrases;
}

}  // namespace nodezero::actors
