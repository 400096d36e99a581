#include "model/gpt2_reference.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <memory>

#include "model/dropout.hpp"
#include "model/gpt2_offsets.hpp"

// B sequences of T tokens, C channels, H heads of width D = C / H, V token ids; x[i, j] is
// element j of row i. In each backward function, d_y is the derivative of the loss with
// respect to y; derivatives are added to what the result already holds.
namespace nodezero::model::reference {
namespace {

using Index = std::int64_t;

/// A row-major matrix.
struct Matrix {
  Matrix(Index rows, Index columns)
      : rows(rows), columns(columns), values(static_cast<std::size_t>(rows * columns)) {}
  double* row(Index i) { return values.data() + i * columns; }
  const double* row(Index i) const { return values.data() + i * columns; }

  Index rows, columns;
  std::vector<double> values;
};

// y = layer_norm(x) g + b, where layer_norm(x) = (x - mean) / sqrt(variance + 1e-5) by row.

struct RowMoments {
  double mean, reciprocal_deviation;
};

RowMoments moments(const double* x, Index C) {
  double mean = 0, variance = 0;
  for (Index c = 0; c < C; ++c) {
    mean += x[c] / static_cast<double>(C);
  }
  for (Index c = 0; c < C; ++c) {
    variance += (x[c] - mean) * (x[c] - mean) / static_cast<double>(C);
  }
  return {mean, 1.0 / std::sqrt(variance + 1e-5)};
}

Matrix layer_norm(const Matrix& x, const double* g, const double* b) {
  Matrix y(x.rows, x.columns);
  for (Index i = 0; i < x.rows; ++i) {
    const auto [mean, r] = moments(x.row(i), x.columns);
    for (Index c = 0; c < x.columns; ++c) {
      y.row(i)[c] = (x.row(i)[c] - mean) * r * g[c] + b[c];
    }
  }
  return y;
}

// With n = layer_norm(x) and e = d_y g:  d_x = r (e - mean(e) - n mean(e n)).
void layer_norm_backward(const Matrix& d_y, const Matrix& x, const double* g, Matrix& d_x,
                         double* d_g, double* d_b) {
  const auto C = static_cast<double>(x.columns);
  for (Index i = 0; i < x.rows; ++i) {
    const auto [mean, r] = moments(x.row(i), x.columns);
    double mean_e = 0, mean_en = 0;
    for (Index c = 0; c < x.columns; ++c) {
      const double n = (x.row(i)[c] - mean) * r;
      const double e = d_y.row(i)[c] * g[c];
      mean_e += e / C;
      mean_en += e * n / C;
      d_g[c] += d_y.row(i)[c] * n;
      d_b[c] += d_y.row(i)[c];
    }
    for (Index c = 0; c < x.columns; ++c) {
      const double n = (x.row(i)[c] - mean) * r;
      const double e = d_y.row(i)[c] * g[c];
      d_x.row(i)[c] += r * (e - mean_e - n * mean_en);
    }
  }
}

// y = x w + b, with w [inputs, outputs].

Matrix linear(const Matrix& x, const double* w, const double* b, Index outputs) {
  Matrix y(x.rows, outputs);
  for (Index i = 0; i < x.rows; ++i) {
    std::copy_n(b, outputs, y.row(i));
    for (Index k = 0; k < x.columns; ++k) {
      for (Index j = 0; j < outputs; ++j) {
        y.row(i)[j] += x.row(i)[k] * w[k * outputs + j];
      }
    }
  }
  return y;
}

// d_x = d_y w^T,  d_w = x^T d_y,  d_b = column sums of d_y.
void linear_backward(const Matrix& d_y, const Matrix& x, const double* w, Matrix& d_x, double* d_w,
                     double* d_b) {
  const Index outputs = d_y.columns;
  for (Index i = 0; i < x.rows; ++i) {
    for (Index j = 0; j < outputs; ++j) {
      d_b[j] += d_y.row(i)[j];
    }
    for (Index k = 0; k < x.columns; ++k) {
      for (Index j = 0; j < outputs; ++j) {
        d_x.row(i)[k] += d_y.row(i)[j] * w[k * outputs + j];
        d_w[k * outputs + j] += x.row(i)[k] * d_y.row(i)[j];
      }
    }
  }
}

// gelu(x) = x (1 + tanh(u)) / 2,  u = sqrt(2 / pi) (x + 0.044715 x^3)  (Hendrycks, Gimpel 2016).

const double root_two_over_pi = std::sqrt(2.0 / std::acos(-1.0));

Matrix gelu(const Matrix& x) {
  Matrix y(x.rows, x.columns);
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double v = x.values[i];
    y.values[i] = 0.5 * v * (1.0 + std::tanh(root_two_over_pi * (v + 0.044715 * v * v * v)));
  }
  return y;
}

void gelu_backward(const Matrix& d_y, const Matrix& x, Matrix& d_x) {
  for (std::size_t i = 0; i < x.values.size(); ++i) {
    const double v = x.values[i];
    const double t = std::tanh(root_two_over_pi * (v + 0.044715 * v * v * v));
    const double d_u = root_two_over_pi * (1.0 + 3 * 0.044715 * v * v);
    d_x.values[i] += d_y.values[i] * (0.5 * (1.0 + t) + 0.5 * v * (1.0 - t * t) * d_u);
  }
}

// Dropout multiplies by 0 or 1 / (1 - rate), forward and backward alike.
void dropout(Matrix& x, const DropoutMask& mask) {
  for (Index i = 0; i < x.rows; ++i) {
    for (Index c = 0; c < x.columns; ++c) {
      x.row(i)[c] *= mask.scale(i, c);
    }
  }
}

// For each sequence and head, with q, k, v in thirds of the columns of qkv:
//   s[t, u] = q[t] k[u] / sqrt(D) for u <= t,  p = softmax by row,  y[t] = sum_u m[t, u] p[t, u]
//   v[u]
// with m the dropout mask.

struct Attention {
  Index B, T, H, D;
  const DropoutMask& mask;

  Index query(Index h) const { return h * D; }
  Index key(Index h) const { return (H + h) * D; }
  Index value(Index h) const { return (2 * H + h) * D; }
  double masked(Index b, Index h, Index t, Index u) const {
    return mask.scale((b * H + h) * T + t, u);
  }

  /// p[t, 0..t] of one query.
  std::vector<double> probabilities(const Matrix& qkv, Index b, Index h, Index t) const {
    std::vector<double> p(static_cast<std::size_t>(t + 1));
    double largest = -std::numeric_limits<double>::infinity(), sum = 0;
    for (Index u = 0; u <= t; ++u) {
      double s = 0;
      for (Index d = 0; d < D; ++d) {
        s += qkv.row(b * T + t)[query(h) + d] * qkv.row(b * T + u)[key(h) + d];
      }
      p[static_cast<std::size_t>(u)] = s / std::sqrt(static_cast<double>(D));
      largest = std::max(largest, p[static_cast<std::size_t>(u)]);
    }
    for (double& value : p) {
      value = std::exp(value - largest);
      sum += value;
    }
    for (double& value : p) {
      value /= sum;
    }
    return p;
  }

  Matrix forward(const Matrix& qkv) const {
    Matrix y(B * T, H * D);
    for (Index b = 0; b < B; ++b) {
      for (Index h = 0; h < H; ++h) {
        for (Index t = 0; t < T; ++t) {
          const std::vector<double> p = probabilities(qkv, b, h, t);
          for (Index u = 0; u <= t; ++u) {
            const double weight = masked(b, h, t, u) * p[static_cast<std::size_t>(u)];
            for (Index d = 0; d < D; ++d) {
              y.row(b * T + t)[h * D + d] += weight * qkv.row(b * T + u)[value(h) + d];
            }
          }
        }
      }
    }
    return y;
  }

  // d_p[t, u] = m[t, u] (d_y[t] v[u]),  d_s[t, u] = p[t, u] (d_p[t, u] - sum_w p[t, w] d_p[t, w]).
  void backward(const Matrix& d_y, const Matrix& qkv, Matrix& d_qkv) const {
    for (Index b = 0; b < B; ++b) {
      for (Index h = 0; h < H; ++h) {
        for (Index t = 0; t < T; ++t) {
          query_backward(d_y.row(b * T + t) + h * D, qkv, d_qkv, b, h, t);
        }
      }
    }
  }

  void query_backward(const double* d_y, const Matrix& qkv, Matrix& d_qkv, Index b, Index h,
                      Index t) const {
    const std::vector<double> p = probabilities(qkv, b, h, t);
    std::vector<double> d_p(p.size());
    double expected = 0;
    for (Index u = 0; u <= t; ++u) {
      const auto i = static_cast<std::size_t>(u);
      const double m = masked(b, h, t, u);
      for (Index d = 0; d < D; ++d) {
        d_p[i] += m * d_y[d] * qkv.row(b * T + u)[value(h) + d];
        d_qkv.row(b * T + u)[value(h) + d] += m * p[i] * d_y[d];
      }
      expected += p[i] * d_p[i];
    }
    for (Index u = 0; u <= t; ++u) {
      const auto i = static_cast<std::size_t>(u);
      const double d_s = p[i] * (d_p[i] - expected) / std::sqrt(static_cast<double>(D));
      for (Index d = 0; d < D; ++d) {
        d_qkv.row(b * T + t)[query(h) + d] += d_s * qkv.row(b * T + u)[key(h) + d];
        d_qkv.row(b * T + u)[key(h) + d] += d_s * qkv.row(b * T + t)[query(h) + d];
      }
    }
  }
};

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
      : at(config, *TensorLayout::gpt2(config)),
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
