// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/workspace.hpp"
#include "model/kernels/dropout.hpp"

namespace nodezero::model {

/// What the passes over one micro-batch have in common in every precision: the embedding and
/// the residual stream, both fp32. Names of activations and their shapes are those of
/// ActivationPlan.
class PassBase {
 public:
  using Index = std::int64_t;

  /// Keeps references to everything but the key; the workspace is prepared for the batch.
  PassBase(const ModelConfig& config, const float* weights, const MicroBatch& batch,
           const DropoutKey& key, Workspace::State& state);

 protected:
  float* normed() { return s_.at(plan_.normed); }
  float* branch() { return s_.at(plan_.branch); }
  float* d_residual() { return s_.at(plan_.d_residual); }
  float* d_normed() { return s_.at(plan_.d_normed); }
  float* activated() { return s_.at(plan_.activated); }
  float* d_wide() { return s_.at(plan_.d_wide); }
  float* logits() { return s_.at(plan_.logits); }

  DropoutMask mask(Index layer, DropoutSite site) const {
    return DropoutMask(key_, config_.dropout, layer, site, C_);
  }
  DropoutMask attention_mask(Index layer) const {
    return DropoutMask(key_, config_.dropout, layer, DropoutSite::attention, batch_.context);
  }

  /// residual 0 = dropout(token embedding + position embedding).
  void embed();

  /// Overwrites the gradient of the positions with, and adds to that of the tokens, what
  /// d_residual holds at the end. The output projection, tied to the token embedding, has
  /// written its part of it before.
  void backward_embedding(float* d);

  /// out = x + dropout(branch + b): the end of a branch of the residual stream.
  void join(const DropoutMask& dropped, const float* x, const float* bias, float* out);

  /// What the derivative of the residual stream is on a branch, behind its dropout.
  const float* enter_branch(const DropoutMask& dropped);

  const ModelConfig& config_;
  const float* w_;
  const MicroBatch& batch_;
  DropoutKey key_;
  Workspace::State& s_;
  const ActivationPlan& plan_;
  const Gpt2Offsets& at_;
  Index M_, C_;
};

}  // namespace nodezero::model
