// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/train/prepared_run.hpp"

namespace nodezero::apps {

/// Prints what a run would do and need. @throws CommandError if it does not fit into memory
void print_plan(const PreparedRun& run, bool as_json);

}  // namespace nodezero::apps
