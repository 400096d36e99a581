// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <memory>

#include "model/training/trained_model.hpp"

namespace nodezero::actors::testing {

/// What a model does with a micro-batch that it is to compute.
enum class Failure { none, throws, not_finite };

/// The micro-batch of a step, and how often it has failed before.
struct Attempt {
  std::uint64_t step = 0;
  std::uint32_t micro_batch = 0;
  std::uint32_t failures = 0;
};

/// The GPT-2 of the configuration, which fails where `choose` says: it throws, or its loss is not a
/// number. `choose` is called before each micro-batch that is trained, on any lane's thread, one
/// call at a time.
std::shared_ptr<const model::TrainedModel> failing_model(
    const model::TrainingConfig& config, std::function<Failure(const Attempt&)> choose);

/// The same where each lane chooses for itself, one call at a time, with a function that is made
/// for it.
std::shared_ptr<const model::TrainedModel> failing_model_by_lane(
    const model::TrainingConfig& config,
    std::function<std::function<Failure(const Attempt&)>()> make_choose);

}  // namespace nodezero::actors::testing
