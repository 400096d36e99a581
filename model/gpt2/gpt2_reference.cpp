// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/gpt2_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <memory>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/gpt2/gpt2_reference_layers.hpp"

namespace nodezero::model::reference {
namespace {

// logits = x wte^T.

std::vector<double> logits_of_row(const double* x, const double* wte, Index C, Index V) {
  std::vector<double> z(static_cast<std::size_t>(V));
  for (Index v = 0; v < V; ++v) {
    for (Index c = 0; c < C; ++c) {
      z[static_cast<std::size_t>(v)] += x[c] * wte[v * C + c];
    }
  }
  return z;
}

// loss = sum over valid tokens of log(sum_v exp z[v]) - z[target].

double log_sum_exp(const std::vector<double>& z) {
  const double largest = *std::max_element(z.begin(), z.end());
  double sum = 0;
  for (const double value : z) {
    sum += std::exp(value - largest);
  }
  return largest + std::log(sum);
}

double cross_entropy(const Matrix& x, const double* wte, Index V, const MicroBatch& batch) {
  double loss = 0;
  for (Index i = 0; i < x.rows; ++i) {
    const std::int32_t target = batch.targets[static_cast<std::size_t>(i)];
    if (target != ignored_target) {
      const std::vector<double> z = logits_of_row(x.row(i), wte, x.columns, V);
      loss += log_sum_exp(z) - z[static_cast<std::size_t>(target)];
    }
  }
  return loss;
}

// d_z[v] = exp(z[v] - log_sum_exp) - [v = target].
void cross_entropy_backward(const Matrix& x, const double* wte, Index V, const MicroBatch& batch,
                            Matrix& d_x, double* d_wte) {
  const Index C = x.columns;
  for (Index i = 0; i < x.rows; ++i) {
    const std::int32_t target = batch.targets[static_cast<std::size_t>(i)];
    if (target == ignored_target) {
      continue;
    }
    const std::vector<double> z = logits_of_row(x.row(i), wte, C, V);
    const double total = log_sum_exp(z);
    for (Index v = 0; v < V; ++v) {
      const double d_z = std::exp(z[static_cast<std::size_t>(v)] - total) - (v == target ? 1 : 0);
      for (Index c = 0; c < C; ++c) {
        d_x.row(i)[c] += d_z * wte[v * C + c];
        d_wte[v * C + c] += d_z * x.row(i)[c];
      }
    }
  }
}

// x = wte[token] + wpe[position].

Matrix embedding(const MicroBatch& batch, const double* wte, const double* wpe, Index C) {
  Matrix x(batch.sequences * batch.context, C);
  for (Index i = 0; i < x.rows; ++i) {
    const Index token = batch.inputs[static_cast<std::size_t>(i)];
    for (Index c = 0; c < C; ++c) {
      x.row(i)[c] = wte[token * C + c] + wpe[i % batch.context * C + c];
    }
  }
  return x;
}

void embedding_backward(const Matrix& d_x, const MicroBatch& batch, double* d_wte, double* d_wpe) {
  const Index C = d_x.columns;
  for (Index i = 0; i < d_x.rows; ++i) {
    const Index token = batch.inputs[static_cast<std::size_t>(i)];
    for (Index c = 0; c < C; ++c) {
      d_wte[token * C + c] += d_x.row(i)[c];
      d_wpe[i % batch.context * C + c] += d_x.row(i)[c];
    }
  }
}

void add(Matrix& x, const Matrix& y) {
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    x.values[i] += y.values[i];
  }
}

// middle = x + dropout(attention(layer_norm(x)));  out = middle + dropout(mlp(layer_norm(middle))).
struct Block {
  Block(const ModelConfig& config, const double* w, const BlockOffsets& at, const MicroBatch& batch,
        const DropoutKey& key, Index layer, Matrix input)
      : w(w),
        at(at),
        attention_mask(key, config.dropout, layer, DropoutSite::attention, batch.context),
        attention_residual_mask(key, config.dropout, layer, DropoutSite::attention_residual,
                                config.width),
        mlp_residual_mask(key, config.dropout, layer, DropoutSite::mlp_residual, config.width),
        attention{batch.sequences, batch.context, config.heads, config.head_width(),
                  attention_mask},
        x(std::move(input)),
        x_normed(layer_norm(x, w + at.ln_1_weight, w + at.ln_1_bias)),
        qkv(linear(x_normed, w + at.attn_weight, w + at.attn_bias, 3 * config.width)),
        attended(attention.forward(qkv)),
        middle(linear(attended, w + at.attn_proj_weight, w + at.attn_proj_bias, config.width)),
        middle_normed(0, 0),
        wide(0, 0),
        activated(0, 0),
        out(0, 0) {
    dropout(middle, attention_residual_mask);
    add(middle, x);
    middle_normed = layer_norm(middle, w + at.ln_2_weight, w + at.ln_2_bias);
    wide = linear(middle_normed, w + at.fc_weight, w + at.fc_bias, 4 * config.width);
    activated = gelu(wide);
    out = linear(activated, w + at.mlp_proj_weight, w + at.mlp_proj_bias, config.width);
    dropout(out, mlp_residual_mask);
    add(out, middle);
  }

  /// Takes d_out, gives d_x, and adds to the gradient `d` of the weights.
  Matrix backward(const Matrix& d_out, double* d) const {
    Matrix d_middle = d_out;
    Matrix d_branch = d_out;
    dropout(d_branch, mlp_residual_mask);
    Matrix d_activated(activated.rows, activated.columns), d_wide(wide.rows, wide.columns);
    Matrix d_middle_normed(x.rows, x.columns);
    linear_backward(d_branch, activated, w + at.mlp_proj_weight, d_activated,
                    d + at.mlp_proj_weight, d + at.mlp_proj_bias);
    gelu_backward(d_activated, wide, d_wide);
    linear_backward(d_wide, middle_normed, w + at.fc_weight, d_middle_normed, d + at.fc_weight,
                    d + at.fc_bias);
    layer_norm_backward(d_middle_normed, middle, w + at.ln_2_weight, d_middle, d + at.ln_2_weight,
                        d + at.ln_2_bias);

    Matrix d_x = d_middle;
    dropout(d_middle, attention_residual_mask);
    Matrix d_attended(x.rows, x.columns), d_qkv(qkv.rows, qkv.columns);
    Matrix d_x_normed(x.rows, x.columns);
    linear_backward(d_middle, attended, w + at.attn_proj_weight, d_attended,
                    d + at.attn_proj_weight, d + at.attn_proj_bias);
    attention.backward(d_attended, qkv, d_qkv);
    linear_backward(d_qkv, x_normed, w + at.attn_weight, d_x_normed, d + at.attn_weight,
                    d + at.attn_bias);
    layer_norm_backward(d_x_normed, x, w + at.ln_1_weight, d_x, d + at.ln_1_weight,
                        d + at.ln_1_bias);
    return d_x;
  }

  const double* w;
  BlockOffsets at;
  DropoutMask attention_mask, attention_residual_mask, mlp_residual_mask;
  Attention attention;
  Matrix x, x_normed, qkv, attended, middle, middle_normed, wide, activated, out;
};

/// The whole forward pass, with everything that backward needs.
struct Forward {
  Forward(const ModelConfig& config, const double* w, const MicroBatch& batch,
          const DropoutKey& key)
      : at(config, *gpt2_layout(config)),
        embedding_mask(key, config.dropout, 0, DropoutSite::embedding, config.width),
        last(embedding(batch, w + at.wte, w + at.wpe, config.width)),
        normed(0, 0) {
    dropout(last, embedding_mask);
    for (Index layer = 0; layer < config.layers; ++layer) {
      blocks.push_back(std::make_unique<Block>(
          config, w, at.blocks[static_cast<std::size_t>(layer)], batch, key, layer, last));
      last = blocks.back()->out;
    }
    normed = layer_norm(last, w + at.ln_f_weight, w + at.ln_f_bias);
  }

  Gpt2Offsets at;
  DropoutMask embedding_mask;
  std::vector<std::unique_ptr<const Block>> blocks;  // a block's attention refers to its mask
  Matrix last, normed;
};

}  // namespace

double loss(const ModelConfig& config, std::span<const double> weights, const MicroBatch& batch,
            const DropoutKey& key) {
  const Forward forward(config, weights.data(), batch, key);
  return cross_entropy(forward.normed, weights.data() + forward.at.wte, config.vocabulary, batch);
}

double loss_and_gradient(const ModelConfig& config, std::span<const double> weights,
                         const MicroBatch& batch, const DropoutKey& key,
                         std::span<double> gradient) {
  const double* const w = weights.data();
  double* const d = gradient.data();
  std::fill(gradient.begin(), gradient.end(), 0.0);
  const Forward forward(config, w, batch, key);
  const Gpt2Offsets& at = forward.at;

  Matrix d_normed(forward.normed.rows, forward.normed.columns);
  cross_entropy_backward(forward.normed, w + at.wte, config.vocabulary, batch, d_normed,
                         d + at.wte);
  Matrix d_x(forward.last.rows, forward.last.columns);
  layer_norm_backward(d_normed, forward.last, w + at.ln_f_weight, d_x, d + at.ln_f_weight,
                      d + at.ln_f_bias);
  for (auto block = forward.blocks.rbegin(); block != forward.blocks.rend(); ++block) {
    d_x = (*block)->backward(d_x, d);
  }
  dropout(d_x, forward.embedding_mask);
  embedding_backward(d_x, batch, d + at.wte, d + at.wpe);
  return cross_entropy(forward.normed, w + at.wte, config.vocabulary, batch);
}

std::vector<double> logits(const ModelConfig& config, std::span<const double> weights,
                           std::span<const std::int32_t> tokens) {
  ModelConfig without_dropout = config;
  without_dropout.dropout = 0;
  MicroBatch batch;
  batch.sequences = 1;
  batch.context = static_cast<std::int64_t>(tokens.size());
  batch.inputs.assign(tokens.begin(), tokens.end());
  const Forward forward(without_dropout, weights.data(), batch, DropoutKey{});
  std::vector<double> all;
  for (Index i = 0; i < forward.normed.rows; ++i) {
    const std::vector<double> row = logits_of_row(
        forward.normed.row(i), weights.data() + forward.at.wte, config.width, config.vocabulary);
    all.insert(all.end(), row.begin(), row.end());
  }
  return all;
}

}  // namespace nodezero::model::reference
