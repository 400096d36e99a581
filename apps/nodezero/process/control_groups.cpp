// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/control_groups.hpp"

#include <fstream>
#include <string>
#include <string_view>

namespace nodezero::apps {

namespace {

/// True if `controller` is one of the names in "cpu,cpuacct".
bool names(std::string_view controllers, std::string_view controller) {
  while (!controllers.empty()) {
    const auto end = std::min(controllers.find(','), controllers.size());
    if (controllers.substr(0, end) == controller) {
      return true;
    }
    controllers.remove_prefix(std::min(end + 1, controllers.size()));
  }
  return false;
}

}  // namespace

void for_each_control_group(const std::filesystem::path& root, const char* controller,
                            const std::function<void(const ControlGroup&)>& visit) {
  std::ifstream groups(root / "proc/self/cgroup");
  // "0::/path" is the group of version 2, "4:cpu,cpuacct:/path" one of version 1.
  for (std::string line; std::getline(groups, line);) {
    const auto path_at = line.find(":/");
    const auto controllers_at = line.find(':') + 1;
    if (path_at == std::string::npos) {
      continue;
    }
    const bool is_unified = line.starts_with("0::");
    if (!is_unified && !names(std::string_view(line).substr(
                                  controllers_at, path_at - std::min(path_at, controllers_at)),
                              controller)) {
      continue;
    }
    const auto mount = root / "sys/fs/cgroup" / (is_unified ? "" : controller);
    for (std::filesystem::path group = line.substr(path_at + 2);; group = group.parent_path()) {
      visit({mount / group, is_unified});
      if (group.empty()) {
        break;
      }
    }
  }
}

}  // namespace nodezero::apps
