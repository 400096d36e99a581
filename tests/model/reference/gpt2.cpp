// SPDX-License-Identifier: BSD-3-Clause
#include "tests/model/reference/gpt2.hpp"

#include <algorithm>
#include <cmath>
#include <list>

#include "model/gpt2/gpt2_tensors.hpp"
#include "tests/model/reference/layers.hpp"

namespace nodezero::model::reference {
namespace {

using Weights = Gpt2Tensors<const double>;
using Gradient = Gpt2Tensors<double>;

// ---- Embedding: x = wte[token] + wpe[position].

Matrix embedding(const MicroBatch& batch, const Weight& wte, const Weight& wpe) {
  Matrix x(batch.sequences * batch.context, wte.cols());
  for (Index i = 0; i < x.rows(); ++i) {
    x.row(i) = wte.row(batch.inputs[static_cast<std::size_t>(i)]) + wpe.row(i % batch.context);
  }
  return x;
}

void embedding_backward(const Matrix& d_x, const MicroBatch& batch, WeightGradient d_wte,
                        WeightGradient d_wpe) {
  for (Index i = 0; i < d_x.rows(); ++i) {
    d_wte.row(batch.inputs[static_cast<std::size_t>(i)]) += d_x.row(i);
    d_wpe.row(i % batch.context) += d_x.row(i);
  }
}

// ---- Cross entropy: z = x w^T with the output's matrix w, and loss = sum over valid tokens of
// log(sum_v exp z[v]) - z[target].

double log_sum_exp(const Row& z) {
  return z.maxCoeff() + std::log((z.array() - z.maxCoeff()).exp().sum());
}

double cross_entropy(const Matrix& x, const Weight& w, const MicroBatch& batch) {
  double loss = 0;
  for (Index i = 0; i < x.rows(); ++i) {
    const std::int32_t target = batch.targets[static_cast<std::size_t>(i)];
    if (target != ignored_target) {
      const Row z = x.row(i) * w.transpose();
      loss += log_sum_exp(z) - z[target];
    }
  }
  return loss;
}

// d_z[v] = exp(z[v] - log_sum_exp) - [v = target],  d_x = d_z w,  d_w = d_z^T x.
Matrix cross_entropy_backward(const Matrix& x, const Weight& w, const MicroBatch& batch,
                              WeightGradient d_w) {
  Matrix d_x = Matrix::Zero(x.rows(), x.cols());
  for (Index i = 0; i < x.rows(); ++i) {
    const std::int32_t target = batch.targets[static_cast<std::size_t>(i)];
    if (target != ignored_target) {
      const Row z = x.row(i) * w.transpose();
      Row d_z = (z.array() - log_sum_exp(z)).exp();
      d_z[target] -= 1;
      d_x.row(i) = d_z * w;
      d_w += d_z.transpose() * x.row(i);
    }
  }
  return d_x;
}

// ---- Block: middle = x + dropout(attention(layer_norm(x))),
//             out = middle + dropout(mlp(layer_norm(middle))).

/// What scores are multiplied by.
double attention_scale(const ModelConfig& config, Index layer) {
  const double scale =
      config.unscaled_attention ? 1 : 1 / std::sqrt(static_cast<double>(config.head_width()));
  return config.inverse_layer_scaling ? scale / static_cast<double>(layer + 1) : scale;
}

class Block {
 public:
  Block(const ModelConfig& config, const Weights& w, const BlockPlaces& at, const MicroBatch& batch,
        const DropoutKey& key, Index layer)
      : w(w),
        at(at),
        attention_mask(key, config.dropout, layer, DropoutSite::attention, batch.context),
        middle_mask(key, config.dropout, layer, DropoutSite::attention_residual, config.width),
        out_mask(key, config.dropout, layer, DropoutSite::mlp_residual, config.width),
        attention{batch.sequences,
                  batch.context,
                  config.heads,
                  config.head_width(),
                  attention_scale(config, layer),
                  attention_mask},
        activation(config.activation),
        epsilon(config.layer_norm_epsilon) {}
  Block(const Block&) = delete;  // its attention refers to its mask

  /// Takes x, gives out, and keeps what backward needs.
  Matrix forward(const Matrix& input) {
    x = input;
    x_normed = layer_norm(x, w(at.ln_1_weight), w(at.ln_1_bias), epsilon);
    qkv = linear(x_normed, w(at.attn_weight), w(at.attn_bias));
    attended = attention.forward(qkv);
    middle =
        x + dropout(linear(attended, w(at.attn_proj_weight), w(at.attn_proj_bias)), middle_mask);
    middle_normed = layer_norm(middle, w(at.ln_2_weight), w(at.ln_2_bias), epsilon);
    wide = linear(middle_normed, w(at.fc_weight), w(at.fc_bias));
    activated = activate(activation, wide);
    return middle +
           dropout(linear(activated, w(at.mlp_proj_weight), w(at.mlp_proj_bias)), out_mask);
  }

  /// Takes d_out, gives d_x, and adds to the gradient `d` of the weights.
  Matrix backward(const Matrix& d_out, const Gradient& d) const {
    const Matrix d_activated =
        linear_backward(dropout(d_out, out_mask), activated, w(at.mlp_proj_weight),
                        d(at.mlp_proj_weight), d(at.mlp_proj_bias));
    const Matrix d_wide = activation_backward(activation, d_activated, wide);
    const Matrix d_middle_normed =
        linear_backward(d_wide, middle_normed, w(at.fc_weight), d(at.fc_weight), d(at.fc_bias));
    const Matrix d_middle =
        d_out + layer_norm_backward(d_middle_normed, middle, w(at.ln_2_weight), d(at.ln_2_weight),
                                    d(at.ln_2_bias), epsilon);
    const Matrix d_attended =
        linear_backward(dropout(d_middle, middle_mask), attended, w(at.attn_proj_weight),
                        d(at.attn_proj_weight), d(at.attn_proj_bias));
    const Matrix d_qkv = attention.backward(d_attended, qkv);
    const Matrix d_x_normed =
        linear_backward(d_qkv, x_normed, w(at.attn_weight), d(at.attn_weight), d(at.attn_bias));
    return d_middle + layer_norm_backward(d_x_normed, x, w(at.ln_1_weight), d(at.ln_1_weight),
                                          d(at.ln_1_bias), epsilon);
  }

 private:
  Weights w;
  BlockPlaces at;
  DropoutMask attention_mask, middle_mask, out_mask;
  Attention attention;
  Activation activation;
  double epsilon;
  Matrix x, x_normed, qkv, attended, middle, middle_normed, wide, activated;
};

// ---- The model.

struct Model {
  Model(const ModelConfig& config, std::span<const double> weights, const MicroBatch& batch,
        const DropoutKey& key)
      : w(weights),
        at(config, *gpt2_layout(config)),
        batch(batch),
        epsilon(config.layer_norm_epsilon),
        embedding_mask(key, config.dropout, 0, DropoutSite::embedding, config.width) {
    last = dropout(embedding(batch, w(at.wte), w(at.wpe)), embedding_mask);
    for (const BlockPlaces& block : at.blocks) {
      blocks.emplace_back(config, w, block, batch, key, static_cast<Index>(blocks.size()));
      last = blocks.back().forward(last);
    }
    normed = layer_norm(last, w(at.ln_f_weight), w(at.ln_f_bias), epsilon);
  }

  double loss() const { return cross_entropy(normed, w(at.output), batch); }

  void backward(const Gradient& d) const {
    const Matrix d_normed = cross_entropy_backward(normed, w(at.output), batch, d(at.output));
    Matrix d_x = layer_norm_backward(d_normed, last, w(at.ln_f_weight), d(at.ln_f_weight),
                                     d(at.ln_f_bias), epsilon);
    for (auto block = blocks.rbegin(); block != blocks.rend(); ++block) {
      d_x = block->backward(d_x, d);
    }
    embedding_backward(dropout(d_x, embedding_mask), batch, d(at.wte), d(at.wpe));
  }

  Weights w;
  Gpt2Places at;
  const MicroBatch& batch;
  double epsilon;
  DropoutMask embedding_mask;
  std::list<Block> blocks;
  Matrix last, normed;
};

}  // namespace

double loss(const ModelConfig& config, std::span<const double> weights, const MicroBatch& batch,
            const DropoutKey& key) {
  return Model(config, weights, batch, key).loss();
}

double loss_and_gradient(const ModelConfig& config, std::span<const double> weights,
                         const MicroBatch& batch, const DropoutKey& key,
                         std::span<double> gradient) {
  std::fill(gradient.begin(), gradient.end(), 0.0);
  const Model model(config, weights, batch, key);
  model.backward(Gradient(gradient));
  return model.loss();
}

std::vector<double> logits(const ModelConfig& config, std::span<const double> weights,
                           std::span<const std::int32_t> tokens) {
  ModelConfig without_dropout = config;
  without_dropout.dropout = 0;
  MicroBatch batch;
  batch.sequences = 1;
  batch.context = static_cast<std::int64_t>(tokens.size());
  batch.inputs.assign(tokens.begin(), tokens.end());
  const Model model(without_dropout, weights, batch, DropoutKey{});
  const Matrix z = model.normed * model.w(model.at.output).transpose();
  return {z.data(), z.data() + z.size()};
}

}  // namespace nodezero::model::reference
