// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/gpt2_reference_layers.hpp"

#include <algorithm>
#include <cmath>
#include <cstddef>
#include <limits>
#include <numbers>

namespace nodezero::model::reference {
namespace {

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

}  // namespace

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

namespace {
const double root_two_over_pi = std::sqrt(2.0 / std::numbers::pi);
}  // namespace

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

void dropout(Matrix& x, const DropoutMask& mask) {
  for (Index i = 0; i < x.rows; ++i) {
    for (Index c = 0; c < x.columns; ++c) {
      x.row(i)[c] *= mask.scale(i, c);
    }
  }
}

/// p[t, 0..t] of one query.
std::vector<double> Attention::probabilities(const Matrix& qkv, Index b, Index h, Index t) const {
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

Matrix Attention::forward(const Matrix& qkv) const {
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
void Attention::backward(const Matrix& d_y, const Matrix& qkv, Matrix& d_qkv) const {
  for (Index b = 0; b < B; ++b) {
    for (Index h = 0; h < H; ++h) {
      for (Index t = 0; t < T; ++t) {
        query_backward(d_y.row(b * T + t) + h * D, qkv, d_qkv, b, h, t);
      }
    }
  }
}

void Attention::query_backward(const double* d_y, const Matrix& qkv, Matrix& d_qkv, Index b,
                               Index h, Index t) const {
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

}  // namespace nodezero::model::reference
