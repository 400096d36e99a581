// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/dropout_key.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/micro_batch.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// The activations and scratch of one lane. Grows to the largest micro-batch seen and is reused, so
/// only the first step allocates. Its precision is that of everything computed with it.
class Workspace {
 public:
  explicit Workspace(Precision precision = Precision::fp32);
  ~Workspace();
  Workspace(Workspace&&) noexcept;
  Workspace& operator=(Workspace&&) noexcept;

  /// When the last loss_and_gradient() had finished its forward pass.
  std::chrono::steady_clock::time_point forward_end() const;

  struct State;
  State& state() { return *state_; }

 private:
  std::unique_ptr<State> state_;
};

/// Sets the initial weights as GPT-2 does: normal(0, 0.02), scaled by 1 / sqrt(2 layers) in the
/// residual projections; biases are 0, and LayerNorm has gains of 1 and biases of 0. Each number is
/// keyed by (seed, tensor, element).
void initialize(const ModelConfig& config, std::uint64_t seed, Parameters& weights);

/// Forward and backward pass of one micro-batch. Overwrites `gradient` with the derivative of the
/// summed negative log likelihood with respect to the weights, and returns the sum. Uses only the
/// calling thread. Dropout applies if config.dropout > 0.
/// @throws std::invalid_argument if the batch does not fit the config or the gradient's layout is
/// not that of the weights
LossSum loss_and_gradient(const ModelConfig& config, const Parameters& weights,
                          const MicroBatch& batch, const DropoutKey& key, Gradient& gradient,
                          Workspace& workspace);

/// The same for the flat buffers of weights and gradient, both of that layout.
LossSum loss_and_gradient(const ModelConfig& config,
                          const std::shared_ptr<const TensorLayout>& layout,
                          std::span<const float> weights, const MicroBatch& batch,
                          const DropoutKey& key, std::span<float> gradient, Workspace& workspace);

/// Forward pass only, without dropout.
LossSum loss(const ModelConfig& config, const Parameters& weights, const MicroBatch& batch,
             Workspace& workspace);

/// The loss of each token of the micro-batch, of which loss() is the sum; 0 where the target is
/// padding.
std::vector<double> token_losses(const ModelConfig& config, const Parameters& weights,
                                 const MicroBatch& batch, Workspace& workspace);

/// Bytes of workspace that loss_and_gradient() needs for micro-batches of that many sequences.
std::size_t workspace_bytes(const ModelConfig& config, Precision precision, std::int64_t sequences);

/// Floating-point operations of loss_and_gradient() per token, by the usual convention: 6 for each
/// weight of a matrix product, and 12 * layers * width * context for attention.
double flops_per_token(const ModelConfig& config);

}  // namespace nodezero::model
