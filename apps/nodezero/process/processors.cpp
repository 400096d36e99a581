// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/processors.hpp"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <limits>
#include <memory>
#include <optional>
#include <sched.h>
#include <unistd.h>

#include "apps/nodezero/process/control_groups.hpp"

namespace nodezero::apps {

namespace {

/// Processors that the kernel lets this thread run on; nothing if it does not say.
std::optional<std::uint32_t> processors_allowed() {
  // The kernel refuses sets that are smaller than its own; no machine has a million processors.
  for (int most = 1'024; most <= 1'048'576; most *= 4) {
    const std::unique_ptr<cpu_set_t, void (*)(cpu_set_t*)> set(
        CPU_ALLOC(most), [](cpu_set_t* allocated) { CPU_FREE(allocated); });
    if (set != nullptr && sched_getaffinity(0, CPU_ALLOC_SIZE(most), set.get()) == 0) {
      return static_cast<std::uint32_t>(CPU_COUNT_S(CPU_ALLOC_SIZE(most), set.get()));
    }
  }
  return std::nullopt;
}

/// Processors that one control group pays for; infinity without a quota.
double quota_of(const ControlGroup& group) {
  double quota = -1;
  double period = 0;
  if (group.is_unified) {
    std::ifstream(group.folder / "cpu.max") >> quota >> period;  // "max 100000" is not a number
  } else {
    std::ifstream(group.folder / "cpu.cfs_quota_us") >> quota;  // -1: none
    std::ifstream(group.folder / "cpu.cfs_period_us") >> period;
  }
  return quota > 0 && period > 0 ? quota / period : std::numeric_limits<double>::infinity();
}

}  // namespace

Processors available_processors(const std::filesystem::path& root) {
  const auto online = static_cast<std::uint32_t>(std::max(1L, sysconf(_SC_NPROCESSORS_ONLN)));
  Processors processors{online, "processors of this machine"};
  if (const auto allowed = processors_allowed(); allowed && *allowed < processors.count) {
    processors = {std::max(1U, *allowed), "processors that this process may run on"};
  }
  double quota = std::numeric_limits<double>::infinity();
  for_each_control_group(
      root, "cpu", [&](const ControlGroup& group) { quota = std::min(quota, quota_of(group)); });
  if (quota < processors.count) {
    processors = {static_cast<std::uint32_t>(std::max(1.0, std::floor(quota))),
                  "CPU quota of the control group"};
  }
  return processors;
}

}  // namespace nodezero::apps
