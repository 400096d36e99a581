// SPDX-License-Identifier: BSD-3-Clause
#include "actors/settings.hpp"

#include <algorithm>
#include <thread>

#include "actors/step_plan.hpp"

namespace nodezero::actors {

std::uint64_t steps_in_epoch(const model::BatchSource& batches, std::uint64_t epoch,
                             std::uint64_t steps_before, std::uint64_t total_steps) {
  const std::uint64_t steps = batches.steps_in_epoch(epoch);
  return total_steps == 0 ? steps
                          : std::min(steps, total_steps - std::min(total_steps, steps_before));
}

std::uint64_t total_steps(const RunSettings& settings) {
  if (settings.training.steps > 0) {
    return settings.training.steps;
  }
  if (settings.training.epochs == unlimited_epochs) {
    return std::numeric_limits<std::uint64_t>::max();
  }
  std::uint64_t steps = 0;
  for (std::uint64_t epoch = 0; epoch < settings.training.epochs; ++epoch) {
    steps += settings.training_batches->steps_in_epoch(epoch);
  }
  return steps;
}

std::uint32_t lane_count(const RunSettings& settings) {
  return settings.threads > 0 ? settings.threads
                              : std::max(1U, std::thread::hardware_concurrency());
}

}  // namespace nodezero::actors
