// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "nodezero/error.hpp"
#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// Wraps an error for CAF's responses and exit reasons.
caf::error make_error(Error error);

/// Unwraps it. An error of CAF's own becomes component_lost, or timed_out if it is a timeout.
Error to_error(const caf::error& error);

}  // namespace nodezero::runtime

NODEZERO_SHARED_MESSAGE(nodezero::Error)
NODEZERO_COMPILED_ONCE(caf::error)
NODEZERO_COMPILED_ONCE(caf::exit_msg)
NODEZERO_COMPILED_ONCE(caf::unit_t)
NODEZERO_COMPILED_ONCE(std::string)
