// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/gpt2/pass_base.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {

/// Forward and backward pass with the factors of matrix products in bf16 and everything else in
/// fp32, including the residual stream and its derivative. What only products read is stored in
/// bf16.
class Bf16Pass : private PassBase {
 public:
  Bf16Pass(const ModelConfig& config, std::span<const float> weights, const MicroBatch& batch,
           const DropoutKey& key, Workspace::State& state)
      : PassBase(config, weights, batch, key, state),
        precision_(state.precision),
        products_(precision_, a_.products) {}

  void forward();

  /// After forward(): the loss of each token.
  void losses(std::span<double> out);

  /// After forward(); overwrites the gradient `d` and returns the loss.
  double backward(const Gpt2Gradient& d);

 private:
  void forward_block(std::size_t layer);
  void backward_mlp(std::size_t layer, const Gpt2Gradient& d);
  void backward_attention(std::size_t layer, const Gpt2Gradient& d);
  Matrix logits_from(Index first);
  double backward_output(const Gpt2Gradient& d);

  void normalise(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments);
  void normalise_again(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments);
  void linear_backward(ConstBf16Matrix d_y, ConstBf16Matrix x, ConstMatrix w, Matrix d_x,
                       Matrix d_w);

  Precision precision_;
  Bf16Products products_;
};

}  // namespace nodezero::model
