// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/memory.hpp"

#include <algorithm>
#include <fstream>
#include <limits>
#include <optional>
#include <string>
#include <string_view>
#include <sys/resource.h>

#include "apps/nodezero/process/control_groups.hpp"

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
std::uint64_t room_in_group(const ControlGroup& group) {
  const auto limit =
      only_value(group.folder / (group.is_unified ? "memory.max" : "memory.limit_in_bytes"));
  const auto usage =
      only_value(group.folder / (group.is_unified ? "memory.current" : "memory.usage_in_bytes"));
  if (!limit || !usage) {
    return unlimited;
  }
  const auto cache = value_in(group.folder / "memory.stat",
                              group.is_unified ? "inactive_file" : "total_inactive_file")
                         .value_or(0);
  const auto used = *usage - std::min(*usage, cache);
  return *limit - std::min(*limit, used);
}

/// The smallest remaining room in the process's group and its ancestors.
std::uint64_t room_in_groups(const std::filesystem::path& root) {
  auto room = unlimited;
  for_each_control_group(root, "memory", [&](const ControlGroup& group) {
    room = std::min(room, room_in_group(group));
  });
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
