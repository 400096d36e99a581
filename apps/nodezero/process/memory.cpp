// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>

namespace nodezero::apps {

namespace {

constexpr auto unlimited = static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());

/// The number after `key` at the start of a line in one of the kernel's files.
std::optional<std::uint64_t> value_in(const std::filesystem::path& path, std::string_view key) {
  std::ifstream file(path);
  for (std::string word; file >> word;) {
    std::uint64_t value = 0;
    if (word == key && file >> value) {
      return value;
    }
    file.clear();
    file.ignore(std::numeric_limits<std::streamsize>::max(), '\n');
  }
  return std::nullopt;
}

/// The file's single number; nothing if it holds a word such as "max".
std::optional<std::uint64_t> only_value(const std::filesystem::path& path) {
  std::ifstream file(path);
  std::uint64_t value = 0;
  if (file >> value) {
    return value;
  }
  return std::nullopt;
}

/// What one control group still allows. File caches count as used, but the kernel reclaims them.
std::uint64_t room_in_group(const std::filesystem::path& group, const char* limit_name,
                            const char* usage_name, const char* cache_key) {
  const auto limit = only_value(group / limit_name);
  const auto usage = only_value(group / usage_name);
  if (!limit || !usage) {
    return unlimited;
  }
  const auto cache = value_in(group / "memory.stat", cache_key).value_or(0);
  const auto used = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, used);
}

/// The smallest remaining room in the process's group and its ancestors.
std::uint64_t room_in_groups(const std::filesystem::path& root) {
  auto room = unlimited;
  std::ifstream groups(root / "proc/self/cgroup");
  for (std::string line; std::getline(groups, line);) {
    const auto path_at = line.find(":/");
    if (path_at == std::string::npos) {
      continue;
    }
    const bool second_version = line.starts_with("0::");
    if (!second_version && line.find("memory") > path_at) {
      continue;
    }
    const auto mount = root / (second_version ? "sys/fs/cgroup" : "sys/fs/cgroup/memory");
    std::filesystem::path group = line.substr(path_at + 2);
    while (true) {
      room = std::min(
          room, second_version
                    ? room_in_group(mount / group, "memory.max", "memory.current", "inactive_file")
                    : room_in_group(mount / group, "memory.limit_in_bytes", "memory.usage_in_bytes",
                                    "total_inactive_file"));
      if (group.empty()) {
        break;
      }
      group = group.parent_path();
    }
  }
  return room;
}

std::uint64_t room_in_address_space(const std::filesystem::path& root) {
  rlimit limit{};
  if (getrlimit(RLIMIT_AS, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) {
    return unlimited;
  }
  const auto used = value_in(root / "proc/self/status", "VmSize:").value_or(0) * 1'024;
  return limit.rlim_cur - std::min<std::uint64_t>(limit.rlim_cur, used);
}

}  // namespace

std::uint64_t available_memory(const std::filesystem::path& root) {
  const auto kilobytes = value_in(root / "proc/meminfo", "MemAvailable:");
  const auto machine = kilobytes ? *kilobytes * 1'024 : unlimited;
  return std::min({machine, room_in_groups(root), room_in_address_space(root)});
}

std::uint64_t peak_memory() {
  rusage usage{};
  getrusage(RUSAGE_SELF, &usage);
  return static_cast<std::uint64_t>(usage.ru_maxrss) * 1'024;
}

}  // namespace nodezero::apps
