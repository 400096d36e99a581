// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "apps/nodezero/bench/bench_run.hpp"

namespace nodezero::apps {

/// Measures, and prints the result in words or as one line of JSON.
/// @throws CommandError
void bench_command(const BenchOptions& options, bool as_json);

}  // namespace nodezero::apps
