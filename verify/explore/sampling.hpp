// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "verify/explore/report.hpp"

namespace nodezero::verify::explore {

/// Runs `schedules` schedules in which each step is drawn from the possible ones: evenly, and in
/// every second schedule with a speed for each link. Schedule k depends on (seed, k) alone.
/// `orders` estimates how many schedules there are: the mean over the runs of the product of their
/// choices' inverse probabilities (Knuth 1975).
Report explore_randomly(Run& run, const Bounds& bounds, std::uint64_t seed);

/// Probabilistic concurrency testing (Burckhardt et al. 2010) over links: each gets a random
/// priority when it is first used, the step of the highest priority is taken, and at depth - 1
/// random moments the link that is first falls to the end. A bug that needs `depth` steps in a
/// certain order is found by a run of n links and k steps with probability >= 1 / (n k^(depth-1)).
Report explore_by_priorities(Run& run, const Bounds& bounds, std::uint64_t seed,
                             std::uint32_t depth);

}  // namespace nodezero::verify::explore
