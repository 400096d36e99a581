#pragma once

#include <vector>

#include "verify/scenarios/session.hpp"
#include "verify/explore/choice.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps::verify {

/// What a recorder keeps of a scenario's run under a schedule, with times that count records.
/// @throws std::runtime_error if the temporary folder cannot be written
runtime::trace::Trace record_schedule(const Question& question,
                                      const std::vector<runtime::explore::Choice>& steps);

/// Draws schedules as `random` does. Each is recorded twice, in systems of their own: the traces
/// must be the same byte for byte, and keep the laws of `nodezero trace check`.
runtime::explore::Report explore_traced(const Question& question,
                                        const runtime::explore::Bounds& bounds);

}  // namespace nodezero::apps::verify
