// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/gpt2.hpp"

#include <algorithm>
#include <numeric>
#include <stdexcept>

#include <fmt/format.h>

#include "model/gpt2/bf16_pass.hpp"
#include "model/gpt2/pass_base.hpp"
#include "model/gpt2/workspace.hpp"
#include "model/kernels/attention.hpp"
#include "model/kernels/cross_entropy.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {
namespace {

/// Refuses a micro-batch whose numbers would lead outside of a buffer.
void check(const ModelConfig& config, const MicroBatch& batch) {
  const auto size = static_cast<std::size_t>(std::max<Index>(0, batch.sequences * batch.context));
  if (batch.sequences < 1 || batch.context < 1 || batch.context > config.context ||
      batch.inputs.size() != size || batch.targets.size() != size) {
    throw std::invalid_argument(fmt::format(
        "a micro-batch of {} x {} with {} inputs and {} targets does not fit a "
        "context of {}",
        batch.sequences, batch.context, batch.inputs.size(), batch.targets.size(), config.context));
  }
  for (std::size_t i = 0; i < size; ++i) {
    const Index input = batch.inputs[i], target = batch.targets[i];
    if (input < 0 || input >= config.vocabulary || target < ignored_target ||
        target >= config.vocabulary) {
      throw std::invalid_argument(
          fmt::format("token {} with input {} and target {} lies outside a vocabulary of {}", i,
                      input, target, config.vocabulary));
    }
  }
}

/// Forward and backward in fp32.
class Fp32Pass : private PassBase {
 public:
  using PassBase::PassBase;

  void forward() {
    embed();
    for (std::size_t layer = 0; layer < at_.blocks.size(); ++layer) {
      forward_block(layer);
    }
    layer_norm(a_.residuals.back(), w_(at_.ln_f_weight), w_(at_.ln_f_bias), epsilon(), a_.normed,
               a_.moments.back());
  }

  /// After forward(): the loss of each token.
  void losses(std::span<double> out) {
    for (Index first = 0; first < M_; first += a_.logits.rows()) {
      write_losses(first, logits_from(first), out);
    }
  }

  /// After forward(); overwrites the gradient `d` and returns the loss.
  double backward(const Gpt2Gradient& d) {
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

 private:
  void forward_block(std::size_t layer) {
    const BlockPlaces& at = at_.blocks[layer];
    const ConstMatrix x = a_.residuals[2 * layer];
    Matrix middle = a_.residuals[2 * layer + 1];

    layer_norm(x, w_(at.ln_1_weight), w_(at.ln_1_bias), epsilon(), a_.normed,
               a_.moments[2 * layer]);
    multiply(a_.normed, w_(at.attn_weight), a_.qkv[layer], a_.products);
    add_bias(w_(at.attn_bias), a_.qkv[layer]);
    attention(a_.attention, scale(layer), a_.qkv[layer], attention_mask(layer), a_.attended[layer],
              a_.log_sums[layer], a_.attention_scratch);
    multiply(a_.attended[layer], w_(at.attn_proj_weight), a_.branch, a_.products);
    join(mask(layer, DropoutSite::attention_residual), x, w_(at.attn_proj_bias), middle);

    layer_norm(middle, w_(at.ln_2_weight), w_(at.ln_2_bias), epsilon(), a_.normed,
               a_.moments[2 * layer + 1]);
    multiply(a_.normed, w_(at.fc_weight), a_.wide[layer], a_.products);
    bias_activation(config_.activation, w_(at.fc_bias), a_.wide[layer], a_.activated);
    multiply(a_.activated, w_(at.mlp_proj_weight), a_.branch, a_.products);
    join(mask(layer, DropoutSite::mlp_residual), middle, w_(at.mlp_proj_bias),
         a_.residuals[2 * layer + 2]);
  }

  /// d_x = d_y w^T and d_w = x^T d_y for y = x w.
  void linear_backward(ConstMatrix d_y, ConstMatrix x, ConstMatrix w, Matrix d_x, Matrix d_w) {
    multiply(d_y, w.transpose(), d_x, a_.products);
    multiply(x.transpose(), d_y, d_w, a_.products);
  }

  /// d_residual holds the derivative behind the block before, in its middle afterwards.
  void backward_mlp(std::size_t layer, const Gpt2Gradient& d) {
    const BlockPlaces& at = at_.blocks[layer];
    const ConstMatrix middle = a_.residuals[2 * layer + 1];

    const ConstMatrix d_branch = enter_branch(mask(layer, DropoutSite::mlp_residual));
    column_sums(d_branch, d(at.mlp_proj_bias));
    multiply(d_branch, w_(at.mlp_proj_weight).transpose(), a_.d_wide, a_.products);
    activation_backward(config_.activation, a_.wide[layer], a_.d_wide, a_.activated, d(at.fc_bias));
    multiply(a_.activated.transpose(), d_branch, d(at.mlp_proj_weight), a_.products);
    layer_norm_again(middle, w_(at.ln_2_weight), w_(at.ln_2_bias), a_.moments[2 * layer + 1],
                     a_.normed);
    linear_backward(a_.d_wide, a_.normed, w_(at.fc_weight), a_.d_normed, d(at.fc_weight));
    layer_norm_backward(a_.d_normed, middle, w_(at.ln_2_weight), a_.moments[2 * layer + 1],
                        a_.d_residual, d(at.ln_2_weight), d(at.ln_2_bias));
  }

  /// d_residual holds the derivative in the block's middle before, in front of it afterwards.
  void backward_attention(std::size_t layer, const Gpt2Gradient& d) {
    const BlockPlaces& at = at_.blocks[layer];
    const ConstMatrix x = a_.residuals[2 * layer];
    Matrix d_attended = a_.d_normed;

    const ConstMatrix d_branch = enter_branch(mask(layer, DropoutSite::attention_residual));
    column_sums(d_branch, d(at.attn_proj_bias));
    linear_backward(d_branch, a_.attended[layer], w_(at.attn_proj_weight), d_attended,
                    d(at.attn_proj_weight));
    attention_backward(a_.attention, scale(layer), d_attended, a_.qkv[layer], a_.attended[layer],
                       a_.log_sums[layer], attention_mask(layer), a_.d_qkv, a_.attention_scratch);
    column_sums(a_.d_qkv, d(at.attn_bias));
    layer_norm_again(x, w_(at.ln_1_weight), w_(at.ln_1_bias), a_.moments[2 * layer], a_.normed);
    linear_backward(a_.d_qkv, a_.normed, w_(at.attn_weight), a_.d_normed, d(at.attn_weight));
    layer_norm_backward(a_.d_normed, x, w_(at.ln_1_weight), a_.moments[2 * layer], a_.d_residual,
                        d(at.ln_1_weight), d(at.ln_1_bias));
  }

  /// logits = normed output^T for the next block of rows.
  Matrix logits_from(Index first) {
    Matrix logits = a_.logits.topRows(std::min(a_.logits.rows(), M_ - first));
    multiply(a_.normed.middleRows(first, logits.rows()), w_(at_.output).transpose(), logits,
             a_.products);
    return logits;
  }

  /// Loss and derivative of the output, by blocks of rows: overwrites d_normed and the gradient
  /// of the output's matrix.
  double backward_output(const Gpt2Gradient& d) {
    double sum = 0;
    for (Index first = 0; first < M_; first += a_.logits.rows()) {
      Matrix logits = logits_from(first);
      for (Index row = 0; row < logits.rows(); ++row) {
        sum += backward_loss_of(first + row, logits.row(row));
      }
      multiply(logits, w_(at_.output), a_.d_normed.middleRows(first, logits.rows()), a_.products);
      multiply(logits.transpose(), a_.normed.middleRows(first, logits.rows()), d(at_.output),
               a_.products, first > 0);
    }
    return sum;
  }
};

std::int64_t count_valid(const MicroBatch& batch) {
  return static_cast<std::int64_t>(batch.targets.size()) -
         std::count(batch.targets.begin(), batch.targets.end(), ignored_target);
}

}  // namespace

LossSum loss_and_gradient(const ModelConfig& config, const Parameters& weights,
                          const MicroBatch& batch, const DropoutKey& key, Gradient& gradient,
                          Workspace& workspace) {
  return loss_and_gradient(config, weights.layout(), weights.values(), batch, key,
                           gradient.values(), workspace);
}

LossSum loss_and_gradient(const ModelConfig& config,
                          const std::shared_ptr<const TensorLayout>& layout,
                          std::span<const float> weights, const MicroBatch& batch,
                          const DropoutKey& key, std::span<float> gradient, Workspace& workspace) {
  check(config, batch);
  if (gradient.size() != weights.size() || weights.size() != layout->buffer_size()) {
    throw std::invalid_argument("the gradient has another layout than the weights");
  }
  workspace.state().prepare(config, layout, batch.sequences, batch.context);
  Workspace::State& state = workspace.state();
  const auto run = [&](auto pass) {
    pass.forward();
    state.forward_end = std::chrono::steady_clock::now();
    return pass.backward(Gpt2Gradient(gradient));
  };
  const double sum = state.precision == Precision::fp32
                         ? run(Fp32Pass(config, weights, batch, key, state))
                         : run(Bf16Pass(config, weights, batch, key, state));
  return {sum, count_valid(batch)};
}

std::vector<double> token_losses(const ModelConfig& config, const Parameters& weights,
                                 const MicroBatch& batch, Workspace& workspace) {
  check(config, batch);
  ModelConfig without_dropout = config;
  without_dropout.dropout = 0;
  workspace.state().prepare(without_dropout, weights.layout(), batch.sequences, batch.context);
  std::vector<double> losses(batch.targets.size());
  const auto run = [&](auto pass) {
    pass.forward();
    pass.losses(losses);
  };
  Workspace::State& state = workspace.state();
  state.precision == Precision::fp32
      ? run(Fp32Pass(without_dropout, weights.values(), batch, {}, state))
      : run(Bf16Pass(without_dropout, weights.values(), batch, {}, state));
  return losses;
}

LossSum loss(const ModelConfig& config, const Parameters& weights, const MicroBatch& batch,
             Workspace& workspace) {
  const std::vector<double> losses = token_losses(config, weights, batch, workspace);
  return {std::accumulate(losses.begin(), losses.end(), 0.0), count_valid(batch)};
}

double flops_per_token(const ModelConfig& config) {
  const auto C = static_cast<double>(config.width);
  const auto L = static_cast<double>(config.layers);
  const double block = C * (4 * C + 2 * static_cast<double>(config.inner_width()));
  const double product_weights = L * block + static_cast<double>(config.vocabulary) * C;
  return 6.0 * product_weights + 12.0 * L * C * static_cast<double>(config.context);
}

}  // namespace nodezero::model
