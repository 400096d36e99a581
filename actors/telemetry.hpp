// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nodezero::actors {

/// Immutable snapshots of what happened, for people and metric files. Nothing in the
/// protocol depends on them.

struct StepSummary {
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;           ///< this step's number over all epochs, from 0
  std::uint64_t step_in_epoch = 0;  ///< from 0
  std::uint64_t steps_in_epoch = 0;
  std::uint64_t version = 0;  ///< of the weights after the step
  double loss = 0;            ///< nats a token, before the step
  double gradient_norm = 0;   ///< before clipping
  double learning_rate = 0;
  std::uint64_t tokens = 0;  ///< valid tokens of the step
  std::uint32_t micro_batches = 0;
  std::uint32_t spheres_busy = 0;  ///< workers that computed at least one micro-batch
};

struct EvaluationSummary {
  std::uint64_t epoch = 0;
  std::uint64_t step = 0;  ///< optimizer steps done
  std::uint64_t version = 0;
  double loss = 0;  ///< nats a token over the validation windows
  std::uint64_t tokens = 0;
  bool best = false;  ///< the lowest of the run so far; the version is kept
};

struct EpochSummary {
  std::uint64_t epoch = 0;
  std::uint64_t steps = 0;  ///< of this epoch, those before a resumption included
  std::uint64_t version = 0;
  double loss = 0;  ///< mean over the epoch's tokens
  std::uint64_t tokens = 0;
};

struct SampleSummary {
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;
  std::size_t prompt = 0;  ///< index into RunSettings::prompts
  std::vector<std::int32_t> tokens;
};

struct CheckpointSummary {
  std::uint64_t step = 0;
  std::string path;
};

/// Something a person should know that is not an error: a replaced sphere, a checkpoint
/// that was skipped because one was being written, a refused inference request.
struct Notice {
  std::string text;
};

/// What a host hears of a run. Called on one thread of the run at a time; nothing here
/// holds up a step.
class Observer {
 public:
  virtual ~Observer() = default;
  virtual void on_step(const StepSummary&) {}
  virtual void on_evaluation(const EvaluationSummary&) {}
  virtual void on_epoch(const EpochSummary&) {}
  virtual void on_sample(const SampleSummary&) {}
  virtual void on_checkpoint(const CheckpointSummary&) {}
  virtual void on_notice(const Notice&) {}
};

}  // namespace nodezero::actors
