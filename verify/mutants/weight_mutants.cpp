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
         "std::exchange(applied_, {}).deliver(optimizer_complete("
         "{envelope_.run, envelope_.epoch, envelope_.step, envelope_.version + 1},"
         "start_.weights->publish(), nullptr, 1, 1)); return promise;"}}},
      {"optimizer_answers_before_update",
       "the optimizer answers when it has begun the update",
       "A1",
       {{optimizer, "run_phase(Phase::update);",
         "run_phase(Phase::update); std::exchange(applied_, {}).deliver(optimizer_complete("
         "{envelope_.run, envelope_.epoch, envelope_.step, envelope_.version + 1},"
         "start_.weights->publish(), nullptr, norm_, task_->scalars.learning_rate));"}}},
      {"version_not_compared",
       "the optimizer applies a sum of any version",
       "A9",
       {{optimizer, "!is_current(message.envelope)", "false"}},
       {},
       guarded},
      {"version_not_advanced",
       "a new version keeps the old one's number",
       "A9",
       {{optimizer, "++envelope_.version;", ""}}},
      {"optimizer_step_kept",
       "the optimizer takes the next step for the one that it has applied",
       "A8",
       {{optimizer, "++envelope_.step;", ""}}},
      {"version_not_committed",
       "a version that is complete does not become the current one",
       "A9",
       {{optimizer, "start_.weights->commit_next();", ""}}},
      {"update_of_nothing",
       "an update into another buffer does not start from the current version",
       "A9",
       {{optimizer, "next.is_in_place ? nullptr : start_.weights->publish()", "nullptr"}}},
      {"exported_during_update",
       "the optimizer hands out its state during an update",
       "A11",
       {{optimizer, "if (!is_idle()) { return refusal(message.envelope); } is_retired_ = true;",
         "is_retired_ = true;"}},
       {},
       "node_zero asks for it after the update only; see the pairs"},
      {"buffer_in_use_written",
       "a version that is being read is written",
       "A2 A9 A10",
       {{"actors/run/version_buffers.hpp", "holders->load(std::memory_order_acquire) == 0",
         "true"}}},
      {"current_version_written",
       "the next version is written over the current one, whoever reads it",
       "A2 A9 A10",
       {{buffers, "!slots_[current_].is_free()", "false"}}},
  };
}

}  // namespace nodezero::mutants
