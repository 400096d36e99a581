// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "verify/scenarios/session.hpp"

namespace nodezero::verify {

/// A question and a schedule that breaks a rule.
struct Case {
  Question question;
  explore::Counterexample counterexample;
};

/// Leaves out of the question what can be left out (workers, steps, faults, requests, work that
/// takes its time) as long as drawn schedules break the same rule, and then of the schedule each
/// step that can be left out. A run of more than `most_steps` steps is taken for one that does not
/// end.
Case shrink(const Case& found, std::uint64_t most_steps = 1'000'000);

}  // namespace nodezero::verify
