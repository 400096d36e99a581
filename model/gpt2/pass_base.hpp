// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_tensors.hpp"
#include "model/gpt2/workspace.hpp"
#include "model/kernels/dropout.hpp"

namespace nodezero::model {

/// What the passes over a micro-batch share across precisions: the embedding, the residual stream
/// and the loss, all in fp32. M = B T rows.
class PassBase {
 public:
  /// Keeps references to everything but the key. The workspace must be prepared for the batch.
  PassBase(const ModelConfig& config, std::span<const float> weights, const MicroBatch& batch,
           const DropoutKey& key, Workspace::State& state);

 protected:
  DropoutMask mask(std::size_t layer, DropoutSite site) const {
    return DropoutMask(key_, config_.dropout, static_cast<Index>(layer), site, C_);
  }
  DropoutMask attention_mask(std::size_t layer) const {
    return DropoutMask(key_, config_.dropout, static_cast<Index>(layer), DropoutSite::attention,
                       batch_.context);
  }

  /// residual 0 = dropout(token embedding + position embedding).
  void embed();

  /// Overwrites the gradient of the position embedding, and that of the token embedding unless the
  /// output, tied to it, has left its part there: then adds to it. Takes the derivative in
  /// d_residual.
  void backward_embedding(const Gpt2Gradient& d);

  /// out = x + dropout(branch + bias), where a branch rejoins the residual stream: x, out [M, C].
  void join(const DropoutMask& dropped, ConstMatrix x, ConstVector bias, Matrix out);

  /// The derivative [M, C] with respect to what a branch computes, before its dropout.
  ConstMatrix enter_branch(const DropoutMask& dropped);

  /// Writes the losses of the tokens from `first` on, given their logits [rows, V].
  void write_losses(Index first, ConstMatrix logits, std::span<double> out) const;

  /// The loss of one token. Overwrites its logits [V] with the derivative.
  double backward_loss_of(Index token, Vector logits) const;

  float scale(std::size_t layer) const {
    return config_.attention_scale(static_cast<std::int64_t>(layer));
  }
  float epsilon() const { return static_cast<float>(config_.layer_norm_epsilon); }

  const ModelConfig& config_;
  Gpt2Weights w_;
  const MicroBatch& batch_;
  DropoutKey key_;
  Activations& a_;
  const Gpt2Places& at_;
  Index M_, C_;  ///< rows, channels
};

}  // namespace nodezero::model
