// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/training/batch_source.hpp"

namespace nodezero::actors {

/// Steps of an epoch that begins after `steps_before` steps of the run: all that its
/// batches make, or what is left of `total_steps` (0: no limit).
std::uint64_t steps_in_epoch(const model::BatchSource& batches, std::uint64_t epoch,
                             std::uint64_t steps_before, std::uint64_t total_steps);

}  // namespace nodezero::actors
