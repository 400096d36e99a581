// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

namespace nodezero::actors {

/// The position of the micro-batch that two machines compute in this step, so that their results
/// can be compared; nothing in most steps. Of all micro-batches of a run it is about `fraction`, at
/// most one per step; which ones follows from the run and the step.
std::optional<std::uint32_t> audited_position(std::uint64_t run, std::uint64_t step,
                                              std::uint32_t positions, double fraction);

/// What a machine has found for a micro-batch.
struct FindingOf {
  std::uint32_t machine = 0;
  std::uint64_t hash = 0;
};

/// The machines whose finding is not that of most. Of as many against as many, that of the machine
/// with the lowest number counts, which is the root's.
std::vector<std::uint32_t> outvoted(const std::vector<FindingOf>& findings);

}  // namespace nodezero::actors
