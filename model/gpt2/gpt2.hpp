// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/dropout_key.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/micro_batch.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// Activations and scratch of one lane, grown to the largest micro-batch seen and
/// reused: a step allocates nothing after the first. What is computed with it is computed in
/// its precision.
class Workspace {
 public:
  /// @throws std::invalid_argument if check_processor() fails
  explicit Workspace(Precision precision = Precision::fp32);
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  /// When the last loss_and_gradient was half done: between its passes.
  std::chrono::steady_clock::time_point forward_end() const;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// Fills the weights as GPT-2 does: normal(0, 0.02), the residual projections by
/// 1/sqrt(2 layers) less, biases 0, LayerNorm 1 and 0; keyed by (seed, tensor, element).
void initialize(const ModelConfig& config, std::uint64_t seed, Parameters& weights);

/// Forward and backward of one micro-batch through the fast path. Overwrites
/// `gradient` with d(sum of negative log likelihood)/d(weights); returns the sum.
/// Uses the calling thread only. Dropout applies if config.dropout > 0.
LossSum loss_and_gradient(const ModelConfig& config, const Parameters& weights,
                          const MicroBatch& batch, const DropoutKey& key, Gradient& gradient,
                          Workspace& workspace);

/// The same with the values of a weights' and a gradient's buffer, both of that layout.
LossSum loss_and_gradient(const ModelConfig& config,
                          const std::shared_ptr<const TensorLayout>& layout,
                          std::span<const float> weights, const MicroBatch& batch,
                          const DropoutKey& key, std::span<float> gradient, Workspace& workspace);

/// Forward only, without dropout.
LossSum loss(const ModelConfig& config, const Parameters& weights, const MicroBatch& batch,
             Workspace& workspace);

/// Bytes of workspace that loss_and_gradient needs for batches of that many
/// sequences; a plan adds them up.
std::size_t workspace_bytes(const ModelConfig& config, Precision precision, std::int64_t sequences);

/// Floating-point operations of loss_and_gradient for one token: 6 for each weight of
/// a matrix product and 12 layers width context for attention, the usual convention.
double flops_per_token(const ModelConfig& config);

}  // namespace nodezero::model
