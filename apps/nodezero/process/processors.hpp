// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>

namespace nodezero::apps {

/// How many threads of this process can compute at once, at least 1.
struct Processors {
  std::uint32_t count = 1;
  std::string reason;  ///< what limits the number, such as "CPU quota of the control group"
};

/// The least of: the machine's processors, those that this process may run on (as taskset and
/// batch systems set them), and the CPU quotas of its control groups, whose fractions of a
/// processor do not count. `root` is put in front of /proc and /sys.
Processors available_processors(const std::filesystem::path& root = "/");

}  // namespace nodezero::apps
