// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "actors/run/assembly.hpp"
#include "actors/run/trainer.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::actors::testing {

/// Token ids in memory: a text with some structure, so that a loss can fall.
class MemoryTokens : public model::TokenSource {
 public:
  explicit MemoryTokens(std::vector<std::int32_t> ids) : ids_(std::move(ids)) {}
  std::uint64_t size() const override { return ids_.size(); }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override;

 private:
  std::vector<std::int32_t> ids_;
};

/// Steps of exactly as many one-window micro-batches as listed: steps[epoch][step].
class CountedBatches : public model::BatchSource {
 public:
  CountedBatches(std::vector<std::vector<std::uint32_t>> steps, std::int64_t context,
                 std::int32_t vocabulary)
      : steps_(std::move(steps)), context_(context), vocabulary_(vocabulary) {}
  std::uint64_t steps_in_epoch(std::uint64_t epoch) const override {
    return steps_.at(epoch).size();
  }
  std::uint32_t micro_batches_in_step(std::uint64_t epoch, std::uint64_t step) const override {
    return steps_.at(epoch).at(step);
  }
  model::MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                                std::uint32_t position) const override;

 private:
  std::vector<std::vector<std::uint32_t>> steps_;
  std::int64_t context_;
  std::int32_t vocabulary_;
};

/// Keeps everything that a run says of itself.
class Recorder : public Observer {
 public:
  void on_step(const StepSummary& summary) override;
  void on_evaluation(const EvaluationSummary& summary) override;
  void on_epoch(const EpochSummary& summary) override;
  void on_sample(const SampleSummary& summary) override;
  void on_checkpoint(const CheckpointSummary& summary) override;
  void on_notice(const Notice& notice) override;

  std::vector<StepSummary> steps;
  std::vector<EvaluationSummary> evaluations;
  std::vector<EpochSummary> epochs;
  std::vector<SampleSummary> samples;
  std::vector<CheckpointSummary> checkpoints;
  std::vector<std::string> notices;
  std::function<void(const StepSummary&)> after_step;  ///< called last
};

/// A model of about a thousand weights on a few hundred tokens: 2 epochs, micro-batches of 2
/// windows of 8, 5 micro-batches a step, validation in 2 parts, 3 spheres, 2 lanes, nothing saved.
RunSettings tiny_settings();

/// Runs to the end on threads and gives back the digest of the weights and the state.
struct Finished {
  TrainingResult result;
  std::string weights;
  std::string state;
};
Finished run_to_end(const RunSettings& settings, Observer& observer);
Finished run_to_end(const RunSettings& settings);

}  // namespace nodezero::actors::testing
