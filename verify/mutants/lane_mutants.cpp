// SPDX-License-Identifier: BSD-3-Clause

// Mutants of the order of work on the lanes and of the buffers of gradients.

#include "verify/mutants/mutant.hpp"

namespace nodezero::mutants {
namespace {

constexpr auto scheduler = "actors/lanes/lane_scheduler.cpp";
constexpr auto pool = "actors/gradient_pool.cpp";

}  // namespace

std::vector<Mutant> of_lanes() {
  return {
      {"wake_up_lost",
       "a lane that becomes free is not given the next job",
       "A6",
       {{scheduler, "state_.idle.push_back(lane); dispatch();", "state_.idle.push_back(lane);"}}},
      {"lane_given_two_jobs",
       "a lane that has got a job still counts as free",
       "A6",
       {{scheduler, "state_.idle.pop_back();", ""}},
       {},
       {},
       "which lane computes what, and when, is free"},
      {"refused_work_unanswered",
       "micro-batches that are refused are not answered",
       "B5",
       {{scheduler,
         "(*job->second.refuse)(make_error({ErrorCode::stale, \"the step was abandoned\", "
         "at(envelope)}));",
         ""}},
       {},
       "who asked for them has closed the step and waits for no answer"},
      {"too_few_buffers",
       "only one gradient buffer may be in use",
       "B5",
       {{scheduler, "gradients_->leased() < bound", "gradients_->leased() < 1"}}},
      {"any_position_starts",
       "micro-batches start in any order",
       "B5",
       {{scheduler,
         "return position == state_.next_position && !sees(no_room, !room_for_gradient());",
         "return !sees(no_room, !room_for_gradient());"}}},
      {"positions_of_last_step_kept",
       "the next step's micro-batches start where the last one's ended",
       "B4",
       {{scheduler,
         "state_.next_position = task.batches->before; refuse_micro_batches(task.envelope);",
         "refuse_micro_batches(task.envelope);"}},
       {},
       {},
       "which lane computes what, and when, is free"},
      {"buffer_kept",
       "gradient buffers are not given back",
       "D9",
       {{pool, "if (buffer_) { pool_->give_back(std::move(buffer_)); }", ""}},
       {},
       {},
       "what an actor keeps is not in a trace"},
  };
}

}  // namespace nodezero::mutants
