// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "verify/mutants/kill.hpp"

namespace nodezero::mutants {

/// What the comparison of two traces says of a mutant: one trace of the schedule that shows it, and
/// one of the same schedule without the mutant, both gone on with to their ends.
struct TraceDifference {
  std::string sentence;  ///< the first cause; empty if the traces do not differ
  /// Of two runs without the mutant in two orders, where the order decides nothing; must be empty.
  std::string of_healthy_runs;
};

TraceDifference trace_difference(const Mutant& mutant, const verify::Case& shows);

}  // namespace nodezero::mutants
