// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <limits>
#include <memory>
#include <optional>
#include <vector>

#include "actors/inference_policy.hpp"
#include "actors/lane_times.hpp"
#include "model/gpt2/generation.hpp"
#include "model/storage/checkpoint.hpp"
#include "model/training/batch_source.hpp"
#include "model/training/trained_model.hpp"
#include "model/training/training_config.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::actors {

/// Who computes a micro-batch; never whether, and never a bit of the result.
enum class RoutingPolicy { balanced, dominant, round_robin };

class BatchQueue;

/// How a run trains, where, and what it does beside that: what people choose, as plain values.
struct RunOptions {
  model::TrainingConfig training;

  std::uint32_t spheres = 3;    ///< workers
  std::uint32_t threads = 0;    ///< lanes; 0: one a core
  std::uint32_t symmetry = 12;  ///< fan-out of the tree, at least 2
  RoutingPolicy routing = RoutingPolicy::balanced;

  std::uint64_t evaluate_every = 0;    ///< steps; 0: at epoch boundaries only
  std::uint64_t checkpoint_every = 0;  ///< steps; 0: at the end only
  std::uint32_t keep = 3;              ///< checkpoints

  InferencePolicy inference = InferencePolicy::snapshot;
  std::int64_t sample_tokens = 200;
  model::SamplingOptions sampling;
};

/// Everything a run of the actors is made from.
struct RunSettings : RunOptions {
  std::shared_ptr<const model::TrainedModel> trained;  ///< null: the GPT-2 of `training`
  std::shared_ptr<const model::BatchSource> training_batches;
  std::shared_ptr<const model::BatchSource> validation_batches;  ///< null: no validation
  /// Where micro-batches wait that a host submits; then training_batches only counts. May be null.
  std::shared_ptr<BatchQueue> submitted;

  std::vector<double> token_frequencies;  ///< of a sample of the corpus, by token id; may be empty

  std::filesystem::path folder;  ///< of the run; empty: nothing is saved
  model::CheckpointContext checkpoint_context;
  /// Asked before anything is saved, with the checkpoint if it is one, on the checkpointer's
  /// thread; an error ends the run. May be empty.
  std::function<Result<void>(const model::Checkpoint* checkpoint)> before_saving;

  std::vector<std::vector<std::int32_t>> prompts;  ///< sampled at each epoch boundary

  std::shared_ptr<const model::Parameters> initial_weights;  ///< null: drawn from the seed
  std::optional<model::Checkpoint> resume;                   ///< goes on from here
  std::uint64_t run = 0;                                     ///< identifies the run

  std::chrono::milliseconds stall_timeout = std::chrono::minutes(10);
  std::chrono::milliseconds inference_timeout = std::chrono::minutes(10);
  std::uint64_t snapshot_every = 0;     ///< steps; 0: with evaluations and epochs only
  std::size_t most_requests = 100'000;  ///< that wait for a generation or are being answered
  std::size_t most_versions = 0;        ///< that these may hold beside the newest; 0: any number
  /// Of the lanes' time that goes to generation when training wants it as well; 1: all.
  double generation_share = 1;
  std::uint32_t generate_together = 1;  ///< requests that a lane generates together, at most
  std::uint32_t attempts = 3;           ///< recomputations of a micro-batch before its epoch fails
  std::shared_ptr<LaneTimes> lane_times;  ///< to be added to; null: nobody measures

  /// Records the run; it must outlive it. Null: nothing is recorded.
  runtime::trace::Recorder* recorder = nullptr;
};

/// Of training.epochs: as long as there are batches.
inline constexpr std::uint64_t unlimited_epochs = std::numeric_limits<std::uint64_t>::max();

/// Steps over all epochs: training.steps, or what the epochs have.
std::uint64_t total_steps(const RunSettings& settings);

/// Threads for a run with so many lanes: those and the observer and the checkpointer, which wait
/// for a disk or for a host, and one that has the messages of all others.
inline std::size_t workers_for(std::uint32_t lanes) {
  return std::size_t{lanes} + 3;
}

/// Cores of the machine if settings.threads is 0.
std::uint32_t lane_count(const RunSettings& settings);

}  // namespace nodezero::actors
