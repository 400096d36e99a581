// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "actors/run/companion.hpp"
#include "actors/settings.hpp"
#include "actors/telemetry.hpp"
#include "model/gpt2/generation.hpp"
#include "model/storage/checkpoint.hpp"

namespace nodezero::actors {

class OtherMachines;

/// How a run ended. The last complete version is always in the run folder.
struct TrainingResult {
  enum class End { finished, stopped, failed };
  End end = End::finished;
  std::string failure;  ///< one line, if failed
  model::TrainingProgress progress;
  std::shared_ptr<const model::Parameters> weights;  ///< the last complete version
  std::shared_ptr<const model::OptimizerState> optimizer;
};

/// An answered inference request.
struct GenerationResult {
  std::uint64_t version = 0;  ///< of the weights that answered
  std::uint64_t epoch = 0;
  std::vector<std::int32_t> tokens;  ///< the continuation, without the prompt
};

/// A training run as plain calls: owns the actor system, its lanes and its tree. Callbacks
/// arrive on a thread of the run, one at a time. A companion, if there is one, outlives it.
class Trainer {
 public:
  /// Without `others` this machine computes alone; `companion` may be null.
  /// @throws std::runtime_error if its threads or its companion cannot be started or other machines
  /// cannot be reached
  Trainer(RunSettings settings, Observer& observer, std::shared_ptr<OtherMachines> others = nullptr,
          Companion* companion = nullptr);
  ~Trainer();
  Trainer(const Trainer&) = delete;
  Trainer& operator=(const Trainer&) = delete;

  /// Trains until the plan is done, `stop` is called or the run fails.
  TrainingResult run();

  /// Asks for the end after the running micro-batches and one checkpoint. May be called
  /// from any thread, more than once, before, while and after `run`.
  void stop();

  /// Asks the lifecycle actor for a continuation; blocks for its answer or a refusal.
  /// May be called from any thread while `run` runs.
  Result<GenerationResult> generate(const std::vector<std::int32_t>& prompt, std::int64_t tokens,
                                    const model::SamplingOptions& options);

 private:
  struct State;
  std::unique_ptr<State> state_;
};

}  // namespace nodezero::actors
