// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/bf16_pass.hpp"

#include <algorithm>

#include "model/kernels/bf16_attention.hpp"
#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/layer_norm.hpp"

namespace nodezero::model {

// Rounding goes row by row behind the function that makes a row, while the row is in the
// first-level cache.

void Bf16Pass::round_rows(Index width, const float* x, const Rows& y) {
  for (Index row = 0; row < M_; ++row) {
    round_row(width, x + row * width, y.row(row));
  }
}

/// narrow_normed = LayerNorm(x); keeps the moments.
void Bf16Pass::normalise(const float* x, std::size_t gain, std::size_t bias, RowMoments moments) {
  float* const wide = row_scratch(0);
  for (Index row = 0; row < M_; ++row) {
    layer_norm(1, C_, x + row * C_, w_ + gain, w_ + bias, wide,
               {moments.mean + row, moments.reciprocal_deviation + row});
    round_row(C_, wide, narrow_normed().row(row));
  }
}

/// The same from the moments.
void Bf16Pass::normalise_again(const float* x, std::size_t gain, std::size_t bias,
                               RowMoments moments) {
  float* const wide = row_scratch(0);
  for (Index row = 0; row < M_; ++row) {
    layer_norm_again(1, C_, x + row * C_, w_ + gain, w_ + bias,
                     {moments.mean + row, moments.reciprocal_deviation + row}, wide);
    round_row(C_, wide, narrow_normed().row(row));
  }
}

/// y = x w.
void Bf16Pass::linear(const Rows& x, Index inputs, Index outputs, std::size_t weight, float* y) {
  multiply(M_, outputs, inputs, x, MatrixView{w_ + weight, outputs}, y, outputs, false, products());
}

/// d_x = d_y w^T and d_w = x^T d_y for y = x w.
void Bf16Pass::linear_backward(const Rows& d_y, const Rows& x, Index inputs, Index outputs,
                               std::size_t weight, float* d_x, float* d_weight) {
  multiply(M_, inputs, outputs, d_y, MatrixView{w_ + weight, outputs, true}, d_x, inputs, false,
           products());
  multiply(inputs, outputs, M_, x.transposed(), Bf16View(d_y), d_weight, outputs, false,
           products());
}

void Bf16Pass::forward() {
  embed();
  for (Index layer = 0; layer < config_.layers; ++layer) {
    forward_block(layer);
  }
  normalise(s_.residual(2 * config_.layers), at_.ln_f_weight, at_.ln_f_bias,
            s_.moments(2 * config_.layers));
}

void Bf16Pass::forward_block(Index layer) {
  const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
  const float* const x = s_.residual(2 * layer);
  float* const middle = s_.residual(2 * layer + 1);
  const Rows qkv = this->qkv(layer);
  const Rows attended = this->attended(layer);
  const Rows before_gelu = this->before_gelu(layer);
  float* const sums = d_wide();  // of products, before they are rounded

  normalise(x, at.ln_1_weight, at.ln_1_bias, s_.moments(2 * layer));
  linear(narrow_normed(), C_, 3 * C_, at.attn_weight, sums);
  for (Index row = 0; row < M_; ++row) {
    add_bias(1, 3 * C_, w_ + at.attn_bias, sums + row * 3 * C_);
    round_row(3 * C_, sums + row * 3 * C_, qkv.row(row));
  }
  attention(plan_.attention, qkv.data, attention_mask(layer), branch(),
            s_.at(plan_.log_sums, plan_.log_sums_size, layer), s_.at(plan_.attention_scratch));
  round_rows(C_, branch(), attended);
  linear(attended, C_, C_, at.attn_proj_weight, branch());
  join(mask(layer, DropoutSite::attention_residual), x, w_ + at.attn_proj_bias, middle);

  normalise(middle, at.ln_2_weight, at.ln_2_bias, s_.moments(2 * layer + 1));
  linear(narrow_normed(), C_, 4 * C_, at.fc_weight, sums);
  float* const activated = row_scratch(0);
  for (Index row = 0; row < M_; ++row) {
    float* const wide = sums + row * 4 * C_;
    bias_gelu(1, 4 * C_, w_ + at.fc_bias, wide, activated);
    round_row(4 * C_, wide, before_gelu.row(row));
    round_row(4 * C_, activated, narrow_activated().row(row));
  }
  linear(narrow_activated(), 4 * C_, C_, at.mlp_proj_weight, branch());
  join(mask(layer, DropoutSite::mlp_residual), middle, w_ + at.mlp_proj_bias,
       s_.residual(2 * layer + 2));
}

double Bf16Pass::backward(float* d) {
  const double sum = backward_output(d);
  std::fill_n(d_residual(), M_ * C_, 0.0f);
  layer_norm_backward(M_, C_, d_normed(), s_.residual(2 * config_.layers), w_ + at_.ln_f_weight,
                      s_.moments(2 * config_.layers), d_residual(), d + at_.ln_f_weight,
                      d + at_.ln_f_bias);
  for (Index layer = config_.layers - 1; layer >= 0; --layer) {
    backward_mlp(layer, d);
    backward_attention(layer, d);
  }
  backward_embedding(d);
  return sum;
}

/// d_residual holds the derivative behind the block before, in its middle afterwards.
void Bf16Pass::backward_mlp(Index layer, float* d) {
  const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
  const float* const middle = s_.residual(2 * layer + 1);
  const Rows before_gelu = this->before_gelu(layer);

  const float* const d_branch = enter_branch(mask(layer, DropoutSite::mlp_residual));
  column_sums(M_, C_, d_branch, d + at.mlp_proj_bias);
  round_rows(C_, d_branch, narrow_branch());
  multiply(M_, 4 * C_, C_, narrow_branch(), MatrixView{w_ + at.mlp_proj_weight, C_, true}, d_wide(),
           4 * C_, false, products());
  float* const wide = row_scratch(0);
  float* const activated = row_scratch(1);
  std::fill_n(d + at.fc_bias, 4 * C_, 0.0f);
  for (Index row = 0; row < M_; ++row) {
    float* const d_row = d_wide() + row * 4 * C_;
    widen_row(4 * C_, before_gelu.row(row), wide);
    add_gelu_backward(1, 4 * C_, wide, d_row, activated, d + at.fc_bias);
    round_row(4 * C_, d_row, narrow_d_wide().row(row));
    round_row(4 * C_, activated, narrow_activated().row(row));
  }
  multiply(4 * C_, C_, M_, narrow_activated().transposed(), Bf16View(narrow_branch()),
           d + at.mlp_proj_weight, C_, false, products());
  normalise_again(middle, at.ln_2_weight, at.ln_2_bias, s_.moments(2 * layer + 1));
  linear_backward(narrow_d_wide(), narrow_normed(), C_, 4 * C_, at.fc_weight, d_normed(),
                  d + at.fc_weight);
  layer_norm_backward(M_, C_, d_normed(), middle, w_ + at.ln_2_weight, s_.moments(2 * layer + 1),
                      d_residual(), d + at.ln_2_weight, d + at.ln_2_bias);
}

/// d_residual holds the derivative in the block's middle before, in front of it afterwards.
void Bf16Pass::backward_attention(Index layer, float* d) {
  const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
  const float* const x = s_.residual(2 * layer);
  const Rows qkv = this->qkv(layer);
  const Rows attended = this->attended(layer);
  float* const d_attended = d_normed();
  float* const d_qkv = d_wide();

  const float* const d_branch = enter_branch(mask(layer, DropoutSite::attention_residual));
  column_sums(M_, C_, d_branch, d + at.attn_proj_bias);
  round_rows(C_, d_branch, narrow_branch());
  linear_backward(narrow_branch(), attended, C_, C_, at.attn_proj_weight, d_attended,
                  d + at.attn_proj_weight);
  round_rows(C_, d_attended, narrow_branch());
  attention_backward(plan_.attention,
                     {qkv.data, attended.data, s_.at(plan_.log_sums, plan_.log_sums_size, layer),
                      d_attended, narrow_branch().data},
                     attention_mask(layer), d_qkv, s_.at(plan_.attention_scratch));
  column_sums(M_, 3 * C_, d_qkv, d + at.attn_bias);
  round_rows(3 * C_, d_qkv, narrow_d_qkv());
  normalise_again(x, at.ln_1_weight, at.ln_1_bias, s_.moments(2 * layer));
  linear_backward(narrow_d_qkv(), narrow_normed(), C_, 3 * C_, at.attn_weight, d_normed(),
                  d + at.attn_weight);
  layer_norm_backward(M_, C_, d_normed(), x, w_ + at.ln_1_weight, s_.moments(2 * layer),
                      d_residual(), d + at.ln_1_weight, d + at.ln_1_bias);
}

/// logits = normed wte^T for a block of rows; returns how many.
PassBase::Index Bf16Pass::logits_of(Index first) {
  const Index rows = std::min(plan_.logits_rows, M_ - first);
  multiply(rows, config_.vocabulary, C_,
           Bf16View{narrow_normed().row(first), narrow_normed().stride},
           MatrixView{w_ + at_.wte, C_, true}, logits(), plan_.logits_stride, false, products());
  return rows;
}

double Bf16Pass::loss() {
  double sum = 0;
  for (Index first = 0; first < M_; first += plan_.logits_rows) {
    const Index rows = logits_of(first);
    for (Index row = 0; row < rows; ++row) {
      const std::int32_t target = batch_.targets[static_cast<std::size_t>(first + row)];
      if (target != ignored_target) {
        sum += negative_log_likelihood(config_.vocabulary, logits() + row * plan_.logits_stride,
                                       target);
      }
    }
  }
  return sum;
}

/// Loss and derivative of the tied output, by blocks of rows: overwrites d_normed and the
/// gradient of the token embedding. The derivative of the logits is rounded in their place.
double Bf16Pass::backward_output(float* d) {
  const Index V = config_.vocabulary;
  double sum = 0;
  for (Index first = 0; first < M_; first += plan_.logits_rows) {
    const Index rows = logits_of(first);
    for (Index row = 0; row < rows; ++row) {
      const std::int32_t target = batch_.targets[static_cast<std::size_t>(first + row)];
      float* const z = logits() + row * plan_.logits_stride;
      if (target == ignored_target) {
        std::fill_n(z, V, 0.0f);
      } else {
        sum += cross_entropy_backward(V, z, target);
      }
      round_row(V, z, reinterpret_cast<Bf16*>(z));
    }
    const Rows d_logits{reinterpret_cast<Bf16*>(logits()), 2 * plan_.logits_stride};
    const Bf16View normed{narrow_normed().row(first), narrow_normed().stride};
    multiply(rows, C_, V, d_logits, MatrixView{w_ + at_.wte, C_}, d_normed() + first * C_, C_,
             false, products());
    multiply(V, C_, rows, d_logits.transposed(), normed, d + at_.wte, C_, first > 0, products());
  }
  return sum;
}

}  // namespace nodezero::model
