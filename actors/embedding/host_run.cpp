// SPDX-License-Identifier: BSD-3-Clause
#include "actors/embedding/host_run.hpp"

#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "actors/embedding/host_batches.hpp"

namespace nodezero::actors {
namespace {

// As the options of `train`: with more, a slip of the keyboard would bring the machine down.
constexpr std::uint32_t most_threads = 1'024;
constexpr std::uint32_t most_spheres = 1'000'000;
constexpr std::uint32_t most_children = 65'536;
constexpr std::uint32_t most_micro_batches = 1'000'000;

// Only a host knows how long its own model computes; this is against arithmetic that never ends.
constexpr auto stall_timeout = std::chrono::hours(24);

Result<void> validate(const TrainerOptions& options) {
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  const struct {
    const char* name;
    std::uint64_t value, least, most;
  } sizes[] = {
      {"threads", options.threads, 1, most_threads},
      {"spheres", options.spheres, 1, most_spheres},
      {"symmetry", options.symmetry, 2, most_children},
      {"micro_batches", options.micro_batches, 1, most_micro_batches},
      {"steps_in_epoch", options.steps_in_epoch, 1, std::numeric_limits<std::uint64_t>::max()}};
  for (const auto& [name, value, least, most] : sizes) {
    if (value < least || value > most) {
      return refuse(fmt::format("{} must be from {} to {}, not {}", name, least, most, value));
    }
  }
  if (options.running == Running::host_executor && !options.execute) {
    return refuse("running is host_executor: set execute to a function that runs jobs");
  }
  if (options.machines && options.running != Running::own_threads) {
    return refuse("other machines can only take part with own_threads");
  }
  if (options.queue_bound < options.micro_batches) {
    return refuse("queue_bound must be at least micro_batches, or no step ever begins");
  }
  if (!std::isfinite(options.time_per_step) || options.time_per_step < 0) {
    return refuse("time_per_step must not be negative");
  }
  if (!std::isfinite(options.start_time)) {
    return refuse("start_time must be a finite number");
  }
  if (options.optimizer.learning_rate == 0) {
    return refuse("'learning_rate' must be above 0, or nothing is learnt");
  }
  return model::validate(options.optimizer);
}

}  // namespace

Result<std::shared_ptr<const model::TrainedModel>> trained_model(
    const std::shared_ptr<const AnyTrainable>& model, const TrainerOptions& options) {
  if (!model) {
    return fail(ErrorCode::invalid_argument, "there is no model");
  }
  if (auto valid = validate(options); !valid) {
    return tl::unexpected<Error>(std::move(valid.error()));
  }
  if (options.machines && !model->is_portable()) {
    return fail(ErrorCode::invalid_argument,
                "other machines are to take part: the model needs encode and decode, so that its "
                "batches can cross");
  }
  return model::host_model(model);
}

RunSettings host_run_settings(std::shared_ptr<const AnyTrainable> model,
                              std::shared_ptr<const model::TrainedModel> trained,
                              const TrainerOptions& options, std::shared_ptr<BatchQueue> queue) {
  RunSettings settings;
  auto& training = settings.training;
  training.optimizer = options.optimizer;
  training.sequences = 1;
  training.micro_batches = options.micro_batches;
  training.seed = options.seed;
  training.steps = options.total_steps;
  training.epochs = unlimited_epochs;
  settings.trained = std::move(trained);
  settings.training_batches = std::make_shared<HostBatches>(std::move(model), options);
  settings.submitted = std::move(queue);
  settings.spheres = options.spheres;
  settings.threads = options.running == Running::stepped ? 1 : options.threads;
  settings.symmetry = options.symmetry;
  settings.routing = RoutingPolicy::round_robin;
  settings.run = 1;
  settings.stall_timeout = stall_timeout;
  settings.inference_timeout = stall_timeout;
  return settings;
}

}  // namespace nodezero::actors
