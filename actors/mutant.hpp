// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <bitset>
#include <cstdint>
#include <string_view>

namespace nodezero::actors {

/// Faults that the verification build can switch on in the protocol's handlers, one for each
/// way in which the system that Node Zero replaces went wrong and more of the kind. They show
/// that a checker of schedules would notice. `mutants.hpp` in verify/mutants says what each does.
enum class Mutant : std::uint8_t {
  // the end of an epoch
  optimizer_answers_on_receipt,
  optimizer_answers_before_update,
  gate_takes_any_proof,
  proof_not_compared,
  epoch_begins_anywhere,
  snapshot_before_update,
  step_counted_twice,
  failure_not_answered,
  halt_during_update,
  partial_sum_kept,
  old_plan_used,
  // a sphere and its children
  messages_counted,
  old_step_accepted,
  report_without_gradients,
  report_before_sum,
  report_before_children,
  second_gradient_accepted,
  child_not_monitored,
  dead_childs_work_lost,
  dead_childs_work_all_again,
  positions_kept,
  empty_child_silent,
  report_first,
  report_twice,
  first_gradient_reports,
  old_answer_used,
  abandoned_step_goes_on,
  arrival_not_noted,
  sibling_not_checked,
  // the lanes
  wake_up_lost,
  refused_work_unanswered,
  too_few_buffers,
  any_position_starts,
  buffer_kept,
  // the optimizer
  version_not_compared,
  version_not_advanced,
  buffer_in_use_written,
  published_before_update,
  exported_during_update,
  // the lifecycle and the driver
  introduction_forgets_stop,
  stop_answered_at_once,
  second_stop_forgotten,
  generate_while_draining,
  waiting_forgotten_at_boundary,
  waiting_forgotten_at_failure,
  snapshot_in_mid_epoch,
  run_not_stopped_at_end,
  epoch_not_advanced,
  count,
};

inline constexpr auto mutant_count = static_cast<std::size_t>(Mutant::count);

#ifdef NODEZERO_MUTANTS
/// The faults that are switched on.
inline std::bitset<mutant_count> active_mutants;

inline bool is_mutated(Mutant mutant) {
  return active_mutants.test(static_cast<std::size_t>(mutant));
}
#else
/// Production: there are none, and nothing of them is left in the program.
constexpr bool is_mutated(Mutant) {
  return false;
}
#endif

}  // namespace nodezero::actors
