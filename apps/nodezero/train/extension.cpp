// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/extension.hpp"

#include <algorithm>

#include <fmt/format.h>

#include "apps/nodezero/terminal/quantities.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::apps {

std::uint64_t first_other_rate(const OptimizerOptions& optimizer,
                               const std::vector<RunOrigin::Length>& lengths, std::uint64_t done,
                               std::uint64_t steps) {
  for (std::size_t i = 0; i < lengths.size(); ++i) {
    const std::uint64_t end = i + 1 < lengths.size() ? lengths[i + 1].from_step : done;
    for (std::uint64_t step = lengths[i].from_step; step < std::min(end, done); ++step) {
      if (model::learning_rate_at(optimizer, step, lengths[i].steps) !=
          model::learning_rate_at(optimizer, step, steps)) {
        return step;
      }
    }
  }
  return done;
}

model::TrainingProgress reopened(model::TrainingProgress progress,
                                 const model::BatchSource& batches) {
  std::uint64_t steps = 0;  // of the epochs that it has closed; some have one more than others
  for (std::uint64_t epoch = 0; epoch < progress.epoch; ++epoch) {
    steps += batches.steps_in_epoch(epoch);
  }
  if (progress.step_in_epoch == 0 && progress.step < steps) {
    --progress.epoch;
    progress.step_in_epoch = progress.step + batches.steps_in_epoch(progress.epoch) - steps;
  }
  return progress;
}

model::TrainingProgress after_epoch(model::TrainingProgress progress,
                                    std::uint64_t steps_in_epoch) {
  if (steps_in_epoch > 0 && progress.step_in_epoch >= steps_in_epoch) {
    ++progress.epoch;
    progress.step_in_epoch = 0;
    progress.epoch_negative_log_likelihood = 0;
    progress.epoch_tokens = 0;
  }
  return progress;
}

std::string describe_extension(const actors::RunSettings& settings,
                               const std::vector<RunOrigin::Length>& lengths) {
  const auto& optimizer = settings.training.optimizer;
  const std::uint64_t steps = actors::total_steps(settings);
  const std::uint64_t done = settings.resume->progress.step;
  auto line = fmt::format("the run goes on to step {} in place of {}", grouped(steps),
                          grouped(lengths.back().steps));
  if (done > 0) {
    line += fmt::format("; the learning rate was {:.3g} and goes on with {:.3g}",
                        model::learning_rate_at(optimizer, done - 1, lengths.back().steps),
                        model::learning_rate_at(optimizer, done, steps));
  }
  const std::uint64_t other = first_other_rate(optimizer, lengths, done, steps);
  if (other == done) {
    return line + "; it ends in the weights of a run that was planned so";
  }
  line += "; a run that was planned so would end in other weights";
  for (const std::uint64_t step : model::checkpoint_steps(settings.folder)) {
    if (step <= other) {
      return line + fmt::format(
                        "; this one ends in the same if it goes on from an earlier "
                        "checkpoint, with --from-step {}",
                        step);
    }
  }
  return line;
}

}  // namespace nodezero::apps
