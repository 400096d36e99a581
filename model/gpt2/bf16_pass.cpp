// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/bf16_pass.hpp"

#include <algorithm>

#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_attention.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/layer_norm.hpp"

namespace nodezero::model {

// Rounding goes row by row behind the function that makes a row, while the row is in the
// first-level cache.

/// narrow_normed = LayerNorm(x); keeps the moments.
void Bf16Pass::normalise(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments) {
  for (Index row = 0; row < M_; ++row) {
    layer_norm(x.row(row), gain, bias, epsilon(), a_.normed_row, moments.row(row));
    round_row(a_.normed_row, a_.narrow_normed.row(row));
  }
}

/// The same from the moments.
void Bf16Pass::normalise_again(ConstMatrix x, ConstVector gain, ConstVector bias,
                               RowMoments moments) {
  for (Index row = 0; row < M_; ++row) {
    layer_norm_again(x.row(row), gain, bias, moments.row(row), a_.normed_row);
    round_row(a_.normed_row, a_.narrow_normed.row(row));
  }
}

/// d_x = d_y w^T and d_w = x^T d_y for y = x w.
void Bf16Pass::linear_backward(ConstBf16Matrix d_y, ConstBf16Matrix x, ConstMatrix w, Matrix d_x,
                               Matrix d_w) {
  products_.multiply(d_y, w.transpose(), d_x);
  products_.multiply(x.transpose(), d_y, d_w);
}

void Bf16Pass::forward() {
  embed();
  for (std::size_t layer = 0; layer < at_.blocks.size(); ++layer) {
    forward_block(layer);
  }
  normalise(a_.residuals.back(), w_(at_.ln_f_weight), w_(at_.ln_f_bias), a_.moments.back());
}

void Bf16Pass::forward_block(std::size_t layer) {
  const BlockPlaces& at = at_.blocks[layer];
  const ConstMatrix x = a_.residuals[2 * layer];
  Matrix middle = a_.residuals[2 * layer + 1];
  // Sums of products, before they are rounded.
  Matrix qkv = a_.d_qkv, wide = a_.d_wide;

  normalise(x, w_(at.ln_1_weight), w_(at.ln_1_bias), a_.moments[2 * layer]);
  products_.multiply(a_.narrow_normed, w_(at.attn_weight), qkv);
  for (Index row = 0; row < M_; ++row) {
    add_bias(w_(at.attn_bias), qkv.row(row));
    round_row(qkv.row(row), a_.narrow_qkv[layer].row(row));
  }
  attention(a_.attention, scale(layer), precision_, a_.narrow_qkv[layer], attention_mask(layer),
            a_.branch, a_.log_sums[layer], a_.attention_scratch);
  round_rows(a_.branch, a_.narrow_attended[layer]);
  products_.multiply(a_.narrow_attended[layer], w_(at.attn_proj_weight), a_.branch);
  join(mask(layer, DropoutSite::attention_residual), x, w_(at.attn_proj_bias), middle);

  normalise(middle, w_(at.ln_2_weight), w_(at.ln_2_bias), a_.moments[2 * layer + 1]);
  products_.multiply(a_.narrow_normed, w_(at.fc_weight), wide);
  for (Index row = 0; row < M_; ++row) {
    bias_activation(config_.activation, w_(at.fc_bias), wide.row(row), a_.activated_row);
    round_row(wide.row(row), a_.narrow_wide[layer].row(row));
    round_row(a_.activated_row, a_.narrow_activated.row(row));
  }
  products_.multiply(a_.narrow_activated, w_(at.mlp_proj_weight), a_.branch);
  join(mask(layer, DropoutSite::mlp_residual), middle, w_(at.mlp_proj_bias),
       a_.residuals[2 * layer + 2]);
}

double Bf16Pass::backward(const Gpt2Gradient& d) {
  const double sum = backward_output(d);
  a_.d_residual.setZero();
  layer_norm_backward(a_.d_normed, a_.residuals.back(), w_(at_.ln_f_weight), a_.moments.back(),
                      a_.d_residual, d(at_.ln_f_weight), d(at_.ln_f_bias));
  for (std::size_t layer = at_.blocks.size(); layer-- > 0;) {
    backward_mlp(layer, d);
    backward_attention(layer, d);
  }
  backward_embedding(d);
  return sum;
}

/// d_residual holds the derivative behind the block before, in its middle afterwards.
void Bf16Pass::backward_mlp(std::size_t layer, const Gpt2Gradient& d) {
  const BlockPlaces& at = at_.blocks[layer];
  const ConstMatrix middle = a_.residuals[2 * layer + 1];
  Vector d_fc_bias = d(at.fc_bias);

  const ConstMatrix d_branch = enter_branch(mask(layer, DropoutSite::mlp_residual));
  column_sums(d_branch, d(at.mlp_proj_bias));
  round_rows(d_branch, a_.narrow_branch);
  products_.multiply(a_.narrow_branch, w_(at.mlp_proj_weight).transpose(), a_.d_wide);
  d_fc_bias.setZero();
  for (Index row = 0; row < M_; ++row) {
    widen_row(a_.narrow_wide[layer].row(row), a_.wide_row);
    add_activation_backward(config_.activation, a_.wide_row, a_.d_wide.row(row), a_.activated_row,
                            d_fc_bias);
    round_row(a_.d_wide.row(row), a_.narrow_d_wide.row(row));
    round_row(a_.activated_row, a_.narrow_activated.row(row));
  }
  products_.multiply(a_.narrow_activated.transpose(), a_.narrow_branch, d(at.mlp_proj_weight));
  normalise_again(middle, w_(at.ln_2_weight), w_(at.ln_2_bias), a_.moments[2 * layer + 1]);
  linear_backward(a_.narrow_d_wide, a_.narrow_normed, w_(at.fc_weight), a_.d_normed,
                  d(at.fc_weight));
  layer_norm_backward(a_.d_normed, middle, w_(at.ln_2_weight), a_.moments[2 * layer + 1],
                      a_.d_residual, d(at.ln_2_weight), d(at.ln_2_bias));
}

/// d_residual holds the derivative in the block's middle before, in front of it afterwards.
void Bf16Pass::backward_attention(std::size_t layer, const Gpt2Gradient& d) {
  const BlockPlaces& at = at_.blocks[layer];
  const ConstMatrix x = a_.residuals[2 * layer];
  Matrix d_attended = a_.d_normed;

  const ConstMatrix d_branch = enter_branch(mask(layer, DropoutSite::attention_residual));
  column_sums(d_branch, d(at.attn_proj_bias));
  round_rows(d_branch, a_.narrow_branch);
  linear_backward(a_.narrow_branch, a_.narrow_attended[layer], w_(at.attn_proj_weight), d_attended,
                  d(at.attn_proj_weight));
  round_rows(d_attended, a_.narrow_branch);
  attention_backward(a_.attention, scale(layer), precision_,
                     {a_.narrow_qkv[layer], a_.narrow_attended[layer], a_.log_sums[layer],
                      d_attended, a_.narrow_branch},
                     attention_mask(layer), a_.d_qkv, a_.attention_scratch);
  column_sums(a_.d_qkv, d(at.attn_bias));
  round_rows(a_.d_qkv, a_.narrow_d_qkv);
  normalise_again(x, w_(at.ln_1_weight), w_(at.ln_1_bias), a_.moments[2 * layer]);
  linear_backward(a_.narrow_d_qkv, a_.narrow_normed, w_(at.attn_weight), a_.d_normed,
                  d(at.attn_weight));
  layer_norm_backward(a_.d_normed, x, w_(at.ln_1_weight), a_.moments[2 * layer], a_.d_residual,
                      d(at.ln_1_weight), d(at.ln_1_bias));
}

/// logits = normed output^T for the next block of rows.
Matrix Bf16Pass::logits_from(Index first) {
  Matrix logits = a_.logits.topRows(std::min(a_.logits.rows(), M_ - first));
  products_.multiply(a_.narrow_normed.middleRows(first, logits.rows()), w_(at_.output).transpose(),
                     logits);
  return logits;
}

void Bf16Pass::losses(std::span<double> out) {
  for (Index first = 0; first < M_; first += a_.logits.rows()) {
    write_losses(first, logits_from(first), out);
  }
}

/// Loss and derivative of the output, by blocks of rows: overwrites d_normed and the gradient of
/// the output's matrix. The derivative of the logits is rounded in their place.
double Bf16Pass::backward_output(const Gpt2Gradient& d) {
  double sum = 0;
  for (Index first = 0; first < M_; first += a_.logits.rows()) {
    Matrix logits = logits_from(first);
    Bf16Matrix d_logits = rounded_in_place(logits);
    for (Index row = 0; row < logits.rows(); ++row) {
      sum += backward_loss_of(first + row, logits.row(row));
      round_row(logits.row(row), d_logits.row(row));
    }
    products_.multiply(d_logits, w_(at_.output), a_.d_normed.middleRows(first, logits.rows()));
    products_.multiply(d_logits.transpose(), a_.narrow_normed.middleRows(first, logits.rows()),
                       d(at_.output), first > 0);
  }
  return sum;
}

}  // namespace nodezero::model
