// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "actors/run/batch_queue.hpp"
#include "actors/settings.hpp"
#include "model/training/trained_model.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// The model as actors train it. Fails with invalid_argument if it or the options cannot work.
Result<std::shared_ptr<const model::TrainedModel>> trained_model(
    const std::shared_ptr<const AnyTrainable>& model, const TrainerOptions& options);

/// A run of a host's model. `queue`: where its batches wait, or null if they are a function.
RunSettings host_run_settings(std::shared_ptr<const AnyTrainable> model,
                              std::shared_ptr<const model::TrainedModel> trained,
                              const TrainerOptions& options, std::shared_ptr<BatchQueue> queue);

}  // namespace nodezero::actors
