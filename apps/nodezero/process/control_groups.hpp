// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>

namespace nodezero::apps {

/// A control group of this process, as a folder of the kernel's.
struct ControlGroup {
  std::filesystem::path folder;
  bool is_unified = false;  ///< of version 2, whose files have other names
};

/// Visits the group that this process is in for `controller` (such as "memory" or "cpu"), and
/// every group above it: each of them limits the process. `root` is put in front of /proc and /sys.
void for_each_control_group(const std::filesystem::path& root, const char* controller,
                            const std::function<void(const ControlGroup&)>& visit);

}  // namespace nodezero::apps
