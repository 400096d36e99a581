// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "verify/explore/report.hpp"

namespace nodezero::verify::explore {

/// Where two runs of the same steps part: something decided there that is no message, such as an
/// address, the order of a hash table, or the clock.
struct Departure {
  std::size_t step = 0;  ///< number of steps after which they differ
  std::string what;      ///< whose state or which message, in words
};

/// Takes the steps `times` times and compares all actors and all messages in flight after each
/// step with those of the first time. Each time the heap is laid out in another way, so that
/// addresses differ.
std::optional<Departure> find_departure(Run& run, const std::vector<Choice>& steps,
                                        std::uint32_t times);

/// Draws schedules as explore_randomly does and looks for a departure in each.
Report explore_twice(Run& run, const Bounds& bounds, std::uint64_t seed);

}  // namespace nodezero::verify::explore
