// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "nodezero/error.hpp"
#include "runtime/trace/block_input.hpp"

namespace nodezero::runtime::trace {

/// Makes one trace of what several machines recorded of one run, each in a file of its own. What
/// one machine sent to another has its sending from the sender's trace and its handling from the
/// receiver's: the nth message from one actor to another there is the nth here. Clocks are shifted
/// so that messages are sent before they arrive, in both directions by the same time. Each
/// machine is an actor, above all that ran there.
/// @return invalid_argument if a trace does not say which machine it is of, or two say the same
Result<Trace> join(std::vector<TraceParts> machines);

}  // namespace nodezero::runtime::trace
