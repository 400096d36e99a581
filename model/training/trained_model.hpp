// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <utility>

#include "model/gpt2/continuation.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/tensors/micro_batch.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/training/training_config.hpp"
#include "nodezero/trainable.hpp"

namespace nodezero::model {

/// A model on one lane: computes in the calling thread and owns the scratch for it.
class LaneModel {
 public:
  virtual ~LaneModel() = default;
  /// Overwrites `gradient`. `key` is the micro-batch's place in the run, for whatever the model
  /// draws at random.
  virtual LossSum loss_and_gradient(const Parameters& weights, const MicroBatch& batch,
                                    const DropoutKey& key, Gradient& gradient) = 0;
  virtual LossSum loss(const Parameters& weights, const MicroBatch& batch) = 0;
  /// When the last loss_and_gradient was half done.
  virtual std::chrono::steady_clock::time_point forward_end() const = 0;

  /// A continuation of a prompt, to be taken forward by any lane's model.
  /// @throws std::invalid_argument if the model is not of text
  virtual std::unique_ptr<Continuation> continuation(std::span<const std::int32_t> prompt,
                                                     const ContinuationOptions& options) = 0;
  /// Takes continuations of the same weights forward together, each by up to `tokens`.
  virtual void advance(const std::shared_ptr<const Parameters>& weights,
                       std::span<Continuation* const> continuations, std::int64_t tokens) = 0;
  /// Answers a host's input. @throws std::invalid_argument if the model takes none
  virtual AnyValue predict(const Parameters& weights, const AnyValue& input) = 0;
};

/// What the actors train.
class TrainedModel {
 public:
  virtual ~TrainedModel() = default;
  virtual std::shared_ptr<const TensorLayout> layout() const = 0;
  virtual void initialize(std::uint64_t seed, Parameters& weights) const = 0;
  /// @throws std::invalid_argument if this processor cannot compute it
  virtual std::unique_ptr<LaneModel> on_lane() const = 0;

  /// Which one it is, if it is a host's; empty: the GPT-2 of the run's configuration.
  virtual std::string identity() const { return {}; }
  /// A micro-batch as it crosses to another machine, and what it is there.
  /// @throws what the host's model does; std::invalid_argument if the batch is none of this model's
  virtual std::shared_ptr<const MicroBatch> encoded(std::shared_ptr<const MicroBatch> batch) const {
    return batch;
  }
  virtual std::shared_ptr<const MicroBatch> decoded(std::shared_ptr<const MicroBatch> batch) const {
    return batch;
  }
};

/// The GPT-2 of the configuration, trained in its precision. It generates in another, fp32 unless
/// one is given.
std::shared_ptr<const TrainedModel> gpt2_model(const TrainingConfig& config,
                                               Precision generation = Precision::fp32);

/// A host's model. Its micro-batches hold their content in MicroBatch::host_data. Fails with
/// invalid_argument if it has no tensor, two of one name or an extent that is not positive.
nodezero::Result<std::shared_ptr<const TrainedModel>> host_model(
    std::shared_ptr<const AnyTrainable> model);

}  // namespace nodezero::model
