// SPDX-License-Identifier: BSD-3-Clause

// Mutants of the optimizer and of the versions of the weights.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto optimizer = "actors/run/optimizer.cpp";
constexpr auto buffers = "actors/run/version_buffers.cpp";

}  // namespace

std::vector<Mutant> of_weights() {
  const auto guarded = "another guard keeps the protocol right without this one; see the pairs";
  return {
      {"optimizer_answers_on_receipt",
       "the optimizer answers when it gets the sum",
       "A1 A9",
       {{optimizer, "return promise;",
         "const auto& here = state_.envelope;"
         "std::exchange(state_.update->applied, {}).deliver(optimizer_complete("
         "{here.run, here.epoch, here.step, here.version + 1}, weights().publish(), nullptr, 1, "
         "1));"
         "return promise;"}}},
      {"optimizer_answers_before_update",
       "the optimizer answers when it has begun the update",
       "A1",
       {{optimizer, "run_phase(Phase::update);",
         "run_phase(Phase::update); const auto& here = state_.envelope;"
         "std::exchange(update.applied, {}).deliver(optimizer_complete("
         "{here.run, here.epoch, here.step, here.version + 1}, weights().publish(), nullptr,"
         "update.norm, task.scalars.learning_rate));"}}},
      {"version_not_compared",
       "the optimizer applies a sum of any version",
       "A9",
       {{optimizer, "!is_current(envelope)", "false"}},
       {},
       guarded},
      {"version_not_advanced",
       "a new version keeps the old one's number",
       "A9",
       {{optimizer, "++state_.envelope.version;", ""}}},
      {"optimizer_step_kept",
       "the optimizer takes the next step for the one that it has applied",
       "A8",
       {{optimizer, "++state_.envelope.step;", ""}}},
      {"version_not_committed",
       "a version that is complete does not become the current one",
       "A9",
       {{optimizer, "weights().commit_next();", ""}}},
      {"update_of_nothing",
       "an update into another buffer does not start from the current version",
       "A9",
       {{optimizer, "next.is_in_place ? nullptr : weights().publish()", "nullptr"}},
       {},
       {},
       "what the last version contains is in no message; nodezero train notes its digest"},
      {"exported_during_update",
       "the optimizer hands out its state during an update",
       "A11",
       {{optimizer,
         "if (auto refused = refusal(message.envelope)) { return refused; } state_.is_retired = "
         "true;",
         "state_.is_retired = true;"}},
       {},
       "node_zero asks for it after the update only; see the pairs"},
      {"buffer_in_use_written",
       "a version that is being read is written",
       "A2 A9 A10",
       {{"actors/run/version_buffers.hpp", "holders->load(std::memory_order_acquire) == 0",
         "true"}},
       {},
       {},
       "only the work of an assignment that came twice reads that buffer, and its result is "
       "refused"},
      {"current_version_written",
       "the next version is written over the current one, whoever reads it",
       "A2 A9 A10",
       {{buffers, "!slots_[current_].is_free()", "false"}},
       {},
       {},
       "only the work of an assignment that came twice reads that buffer, and its result is "
       "refused"},
      {"contents_not_seen",
       "states that differ in what gradients and weights contain have one fingerprint",
       "",
       {{"actors/fingerprints.hpp", "fingerprint.add(std::uint64_t{bits} << 32U | i);", ""}},
       {},
       "it breaks the checker and not the protocol; MutantsTest shows what goes unnoticed then"},
  };
}

}  // namespace nodezero::mutants
