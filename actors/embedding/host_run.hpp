#pragma once

#include <memory>

#include "actors/embedding/batch_queue.hpp"
#include "actors/settings.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// Fails with invalid_argument if the options cannot work.
Result<void> validate(const TrainerOptions& options);

/// A run of a host's model. `queue`: where its batches wait, or null if they are a function.
RunSettings host_run_settings(std::shared_ptr<const AnyTrainable> model,
                              std::shared_ptr<const model::TrainedModel> trained,
                              const TrainerOptions& options, std::shared_ptr<BatchQueue> queue);

}  // namespace nodezero::actors
