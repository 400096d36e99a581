// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/audit.hpp"

#include <algorithm>

namespace nodezero::actors {
namespace {

/// SplitMix64: numbers without a pattern from numbers in a row.
std::uint64_t mixed(std::uint64_t number) {
  number += 0x9e3779b97f4a7c15;
  number = (number ^ (number >> 30U)) * 0xbf58476d1ce4e5b9;
  number = (number ^ (number >> 27U)) * 0x94d049bb133111eb;
  return number ^ (number >> 31U);
}

}  // namespace

std::optional<std::uint32_t> audited_position(std::uint64_t run, std::uint64_t step,
                                              std::uint32_t positions, double fraction) {
  const std::uint64_t drawn = mixed(run ^ mixed(step));
  constexpr double range = 1ULL << 53U;
  if (positions == 0 || static_cast<double>(drawn >> 11U) / range >= fraction * positions) {
    return std::nullopt;
  }
  return static_cast<std::uint32_t>(mixed(drawn) % positions);
}

std::vector<std::uint32_t> outvoted(const std::vector<FindingOf>& findings) {
  const auto votes = [&](const FindingOf& finding) {
    return std::ranges::count(findings, finding.hash, &FindingOf::hash);
  };
  const FindingOf* best = nullptr;
  for (const auto& finding : findings) {
    const bool is_better = best == nullptr || votes(finding) > votes(*best) ||
                           (votes(finding) == votes(*best) && finding.machine < best->machine);
    best = is_better ? &finding : best;
  }
  std::vector<std::uint32_t> others;
  for (const auto& finding : findings) {
    if (finding.hash != best->hash) {
      others.push_back(finding.machine);
    }
  }
  return others;
}

}  // namespace nodezero::actors
