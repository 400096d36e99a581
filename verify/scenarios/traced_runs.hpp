// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "runtime/trace/trace.hpp"
#include "verify/explore/choice.hpp"
#include "verify/scenarios/session.hpp"

namespace nodezero::verify {

/// What a recorder keeps of a scenario's run under a schedule, with times that count records.
/// @throws std::runtime_error if the temporary folder cannot be written
runtime::trace::Trace record_schedule(const Question& question,
                                      const std::vector<explore::Choice>& steps);

/// How a run goes on after the steps that are given.
enum class Rest { oldest_first, newest_first };

/// The same of a whole run: follows the steps that are possible and then goes on until no message
/// is left, also if a rule is broken. Messages that come as a fault are left out.
/// @throws std::runtime_error if the temporary folder cannot be written
runtime::trace::Trace record_whole(const Question& question,
                                   const std::vector<explore::Choice>& steps, Rest rest);

/// Draws schedules as `random` does. Each is recorded twice, in systems of their own: the traces
/// must be the same byte for byte, and keep the laws of `nodezero trace check`.
explore::Report explore_traced(const Question& question, const explore::Bounds& bounds);

}  // namespace nodezero::verify
