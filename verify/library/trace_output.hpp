// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "verify/explore/run.hpp"

namespace nodezero::explore {

/// Follows a schedule and records it as a trace: one logical tick for each fact.
/// @return what went wrong with the file, in one line; empty if nothing
std::string write_trace(verify::explore::Run& run,
                        const std::vector<verify::explore::Choice>& steps,
                        const std::string& problem, const std::string& file);

}  // namespace nodezero::explore
