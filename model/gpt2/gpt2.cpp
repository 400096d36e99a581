// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/gpt2.hpp"

#include <algorithm>
#include <cmath>
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

using Index = PassBase::Index;

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
    for (Index layer = 0; layer < config_.layers; ++layer) {
      forward_block(layer);
    }
    layer_norm(M_, C_, s_.residual(2 * config_.layers), w_ + at_.ln_f_weight, w_ + at_.ln_f_bias,
               normed(), s_.moments(2 * config_.layers));
  }

  /// After forward().
  double loss() {
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

  /// After forward(); overwrites the gradient `d` and returns the loss.
  double backward(float* d) {
    const double sum = backward_output(d);
    std::fill_n(d_residual(), M_ * C_, 0.0f);
    layer_norm_backward(M_, C_, d_normed(), s_.residual(2 * config_.layers), w_ + at_.ln_f_weight,
                        s_.moments(2 * config_.layers), d_residual(), d + at_.ln_f_weight,
                        d + at_.ln_f_bias);
    for (Index layer = config_.layers - 1; layer >= 0; --layer) {
      backward_block(layer, d);
    }
    backward_embedding(d);
    return sum;
  }

 private:
  /// y = x w + b.
  void linear(const float* x, Index inputs, Index outputs, std::size_t weight, std::size_t bias,
              float* y) {
    multiply(M_, outputs, inputs, {x, inputs}, {w_ + weight, outputs}, y, outputs);
    add_bias(M_, outputs, w_ + bias, y);
  }

  void forward_block(Index layer) {
    const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
    const float* const x = s_.residual(2 * layer);
    float* const middle = s_.residual(2 * layer + 1);
    float* const qkv = s_.at(plan_.qkv, plan_.qkv_size, layer);
    float* const attended = s_.at(plan_.attended, plan_.attended_size, layer);
    float* const wide = s_.at(plan_.wide, plan_.wide_size, layer);

    layer_norm(M_, C_, x, w_ + at.ln_1_weight, w_ + at.ln_1_bias, normed(), s_.moments(2 * layer));
    linear(normed(), C_, 3 * C_, at.attn_weight, at.attn_bias, qkv);
    attention(plan_.attention, qkv, attention_mask(layer), attended,
              s_.at(plan_.log_sums, plan_.log_sums_size, layer), s_.at(plan_.attention_scratch));
    multiply(M_, C_, C_, {attended, C_}, {w_ + at.attn_proj_weight, C_}, branch(), C_);
    join(mask(layer, DropoutSite::attention_residual), x, w_ + at.attn_proj_bias, middle);

    layer_norm(M_, C_, middle, w_ + at.ln_2_weight, w_ + at.ln_2_bias, normed(),
               s_.moments(2 * layer + 1));
    multiply(M_, 4 * C_, C_, {normed(), C_}, {w_ + at.fc_weight, 4 * C_}, wide, 4 * C_);
    bias_gelu(M_, 4 * C_, w_ + at.fc_bias, wide, activated());
    multiply(M_, C_, 4 * C_, {activated(), 4 * C_}, {w_ + at.mlp_proj_weight, C_}, branch(), C_);
    join(mask(layer, DropoutSite::mlp_residual), middle, w_ + at.mlp_proj_bias,
         s_.residual(2 * layer + 2));
  }

  /// d_x = d_y w^T and d_w = x^T d_y for y = x w.
  void linear_backward(const float* d_y, const float* x, Index inputs, Index outputs,
                       const float* weight, float* d_x, float* d_weight) {
    multiply(M_, inputs, outputs, {d_y, outputs}, {weight, outputs, true}, d_x, inputs);
    multiply(inputs, outputs, M_, {x, inputs, true}, {d_y, outputs}, d_weight, outputs);
  }

  /// d_residual holds the derivative behind the block before, in front of it afterwards.
  void backward_block(Index layer, float* d) {
    const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
    const float* const x = s_.residual(2 * layer);
    const float* const middle = s_.residual(2 * layer + 1);
    const float* const qkv = s_.at(plan_.qkv, plan_.qkv_size, layer);
    const float* const attended = s_.at(plan_.attended, plan_.attended_size, layer);
    const float* const wide = s_.at(plan_.wide, plan_.wide_size, layer);

    const float* d_branch = enter_branch(mask(layer, DropoutSite::mlp_residual));
    column_sums(M_, C_, d_branch, d + at.mlp_proj_bias);
    multiply(M_, 4 * C_, C_, {d_branch, C_}, {w_ + at.mlp_proj_weight, C_, true}, d_wide(), 4 * C_);
    gelu_backward(M_, 4 * C_, wide, d_wide(), activated(), d + at.fc_bias);
    multiply(4 * C_, C_, M_, {activated(), 4 * C_, true}, {d_branch, C_}, d + at.mlp_proj_weight,
             C_);
    layer_norm_again(M_, C_, middle, w_ + at.ln_2_weight, w_ + at.ln_2_bias,
                     s_.moments(2 * layer + 1), normed());
    linear_backward(d_wide(), normed(), C_, 4 * C_, w_ + at.fc_weight, d_normed(),
                    d + at.fc_weight);
    layer_norm_backward(M_, C_, d_normed(), middle, w_ + at.ln_2_weight, s_.moments(2 * layer + 1),
                        d_residual(), d + at.ln_2_weight, d + at.ln_2_bias);

    d_branch = enter_branch(mask(layer, DropoutSite::attention_residual));
    column_sums(M_, C_, d_branch, d + at.attn_proj_bias);
    float* const d_attended = d_normed();
    float* const d_qkv = d_wide();
    linear_backward(d_branch, attended, C_, C_, w_ + at.attn_proj_weight, d_attended,
                    d + at.attn_proj_weight);
    attention_backward(plan_.attention, d_attended, qkv, attended,
                       s_.at(plan_.log_sums, plan_.log_sums_size, layer), attention_mask(layer),
                       d_qkv, s_.at(plan_.attention_scratch));
    column_sums(M_, 3 * C_, d_qkv, d + at.attn_bias);
    layer_norm_again(M_, C_, x, w_ + at.ln_1_weight, w_ + at.ln_1_bias, s_.moments(2 * layer),
                     normed());
    linear_backward(d_qkv, normed(), C_, 3 * C_, w_ + at.attn_weight, d_normed(),
                    d + at.attn_weight);
    layer_norm_backward(M_, C_, d_normed(), x, w_ + at.ln_1_weight, s_.moments(2 * layer),
                        d_residual(), d + at.ln_1_weight, d + at.ln_1_bias);
  }

  /// logits = normed wte^T for a block of rows; returns how many.
  Index logits_of(Index first) {
    const Index rows = std::min(plan_.logits_rows, M_ - first);
    multiply(rows, config_.vocabulary, C_, {normed() + first * C_, C_}, {w_ + at_.wte, C_, true},
             logits(), plan_.logits_stride);
    return rows;
  }

  /// Loss and derivative of the tied output, by blocks of rows: overwrites d_normed and
  /// the gradient of the token embedding.
  double backward_output(float* d) {
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
      }
      const MatrixView d_logits{logits(), plan_.logits_stride};
      multiply(rows, C_, V, d_logits, {w_ + at_.wte, C_}, d_normed() + first * C_, C_);
      multiply(V, C_, rows, {logits(), plan_.logits_stride, true}, {normed() + first * C_, C_},
               d + at_.wte, C_, first > 0);
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
    return pass.backward(gradient.data());
  };
  const double sum = state.precision == Precision::bf16
                         ? run(Bf16Pass(config, weights.data(), batch, key, state))
                         : run(Fp32Pass(config, weights.data(), batch, key, state));
  return {sum, count_valid(batch)};
}

LossSum loss(const ModelConfig& config, const Parameters& weights, const MicroBatch& batch,
             Workspace& workspace) {
  check(config, batch);
  ModelConfig without_dropout = config;
  without_dropout.dropout = 0;
  workspace.state().prepare(without_dropout, weights.layout(), batch.sequences, batch.context);
  const auto run = [](auto pass) {
    pass.forward();
    return pass.loss();
  };
  Workspace::State& state = workspace.state();
  const double sum =
      state.precision == Precision::bf16
          ? run(Bf16Pass(without_dropout, weights.values().data(), batch, {}, state))
          : run(Fp32Pass(without_dropout, weights.values().data(), batch, {}, state));
  return {sum, count_valid(batch)};
}

double flops_per_token(const ModelConfig& config) {
  const auto C = static_cast<double>(config.width);
  const auto L = static_cast<double>(config.layers);
  const double product_weights = L * 12.0 * C * C + static_cast<double>(config.vocabulary) * C;
  return 6.0 * product_weights + 12.0 * L * C * static_cast<double>(config.context);
}

}  // namespace nodezero::model
