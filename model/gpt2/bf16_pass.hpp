// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/gpt2/pass_base.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {

/// Forward and backward with the factors of matrix products in bf16 and all else in fp32, the
/// residual stream and its derivative included. What only products read is stored in bf16.
class Bf16Pass : private PassBase {
 public:
  using PassBase::PassBase;

  void forward();

  /// After forward(): the loss.
  double loss();

  /// After forward(); overwrites the gradient `d` and returns the loss.
  double backward(float* d);

 private:
  /// A matrix in bf16 that the pass may write.
  struct Rows {
    Bf16* data;
    Index stride;
    operator Bf16View() const { return {data, stride}; }
    Bf16View transposed() const { return {data, stride, true}; }
    Bf16* row(Index index) const { return data + index * stride; }
  };

  Rows rows_at(float* data, Index width) {
    return {reinterpret_cast<Bf16*>(data), bf16_stride(width)};
  }
  Rows qkv(Index layer) { return rows_at(s_.at(plan_.qkv, plan_.qkv_size, layer), 3 * C_); }
  Rows attended(Index layer) {
    return rows_at(s_.at(plan_.attended, plan_.attended_size, layer), C_);
  }
  Rows before_gelu(Index layer) {
    return rows_at(s_.at(plan_.wide, plan_.wide_size, layer), 4 * C_);
  }
  Rows narrow_normed() { return rows_at(s_.at(plan_.narrow_normed), C_); }
  Rows narrow_branch() { return rows_at(s_.at(plan_.narrow_branch), C_); }
  Rows narrow_activated() { return rows_at(s_.at(plan_.narrow_activated), 4 * C_); }
  Rows narrow_d_wide() { return rows_at(s_.at(plan_.narrow_d_wide), 4 * C_); }
  Rows narrow_d_qkv() { return rows_at(s_.at(plan_.narrow_d_wide), 3 * C_); }
  Bf16* products() { return reinterpret_cast<Bf16*>(s_.at(plan_.product_scratch)); }
  float* row_scratch(Index which) {
    return s_.at(plan_.row_scratch, plan_.row_scratch_size, which);
  }

  void forward_block(Index layer);
  void backward_mlp(Index layer, float* d);
  void backward_attention(Index layer, float* d);
  Index logits_of(Index first);
  double backward_output(float* d);

  void normalise(const float* x, std::size_t gain, std::size_t bias, RowMoments moments);
  void normalise_again(const float* x, std::size_t gain, std::size_t bias, RowMoments moments);
  void linear(const Rows& x, Index inputs, Index outputs, std::size_t weight, float* y);
  void linear_backward(const Rows& d_y, const Rows& x, Index inputs, Index outputs,
                       std::size_t weight, float* d_x, float* d_weight);
  void round_rows(Index width, const float* x, const Rows& y);
};

}  // namespace nodezero::model
