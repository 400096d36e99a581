// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <vector>

#include "nodezero/error.hpp"

namespace nodezero::apps {

/// How often numbers occur: counts[i] of them are at most limits[i] and above the limit before.
struct Histogram {
  double least = 0, most = 0, sum = 0, sum_of_squares = 0, count = 0;
  std::vector<double> limits, counts;
};

/// Calls function(name, histogram) for each tensor of the weights of a checkpoint. They are read
/// in parts, and never all in memory.
Result<void> for_each_histogram(
    const std::filesystem::path& checkpoint,
    const std::function<void(const std::string&, const Histogram&)>& function);

}  // namespace nodezero::apps
