// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <numbers>

#include <Eigen/Core>

#include "model/kernels/activation.hpp"
#include "model/kernels/dropout.hpp"

/// The layers of GPT-2 as their equations, in double, each forward beside its backward. Slow and
/// meant to be read.
///
/// B sequences of T tokens make M = B T rows of C channels; H heads have D = C / H channels each;
/// V is the number of token ids. d_y is the derivative of the loss with respect to y. Backward
/// returns the derivative with respect to the layer's input and adds those with respect to its
/// parameters to what their buffers hold.
namespace nodezero::model::reference {

using Eigen::Index;
using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using Row = Eigen::RowVectorXd;
using Column = Eigen::VectorXd;
using Weight = Eigen::Ref<const Matrix, 0, Eigen::OuterStride<>>;
using Bias = Eigen::Ref<const Row>;
using WeightGradient = Eigen::Ref<Matrix, 0, Eigen::OuterStride<>>;
using BiasGradient = Eigen::Ref<Row>;

// ---- LayerNorm: y = n g + b, where n = r (x - mean) and r = 1 / sqrt(variance + epsilon),
// by row.

struct Normalised {
  Normalised(const Matrix& x, double epsilon) {
    const Matrix centred = x.colwise() - x.rowwise().mean();
    r = (centred.array().square().rowwise().mean() + epsilon).rsqrt();
    n = r.asDiagonal() * centred;
  }
  Matrix n;  ///< [M, C]
  Column r;  ///< [M]
};

inline Matrix layer_norm(const Matrix& x, const Bias& g, const Bias& b, double epsilon) {
  return (Normalised(x, epsilon).n * g.asDiagonal()).rowwise() + b;
}

// With e = d_y g:  d_x = r (e - mean(e) - n mean(e n)).
inline Matrix layer_norm_backward(const Matrix& d_y, const Matrix& x, const Bias& g,
                                  BiasGradient d_g, BiasGradient d_b, double epsilon) {
  const auto [n, r] = Normalised(x, epsilon);
  const Matrix e = d_y * g.asDiagonal();
  const Column mean_e = e.rowwise().mean(), mean_en = e.cwiseProduct(n).rowwise().mean();
  d_g += d_y.cwiseProduct(n).colwise().sum();
  d_b += d_y.colwise().sum();
  return r.asDiagonal() * ((e.colwise() - mean_e) - mean_en.asDiagonal() * n);
}

// ---- Linear: y = x w + b.

inline Matrix linear(const Matrix& x, const Weight& w, const Bias& b) {
  return (x * w).rowwise() + b;
}

inline Matrix linear_backward(const Matrix& d_y, const Matrix& x, const Weight& w,
                              WeightGradient d_w, BiasGradient d_b) {
  d_w += x.transpose() * d_y;
  d_b += d_y.colwise().sum();
  return d_y * w.transpose();
}

// ---- GELU: y = x (1 + tanh(u)) / 2, where u = sqrt(2 / pi) (x + 0.044715 x^3).

inline double gelu_tanh(double x) {
  return std::tanh(std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x));
}

inline double gelu(double x) {
  return x * (1 + gelu_tanh(x)) / 2;
}

inline double gelu_derivative(double x) {
  const double t = gelu_tanh(x);
  const double d_u = std::sqrt(2 / std::numbers::pi) * (1 + 3 * 0.044715 * x * x);
  return (1 + t) / 2 + x * (1 - t * t) * d_u / 2;
}

// ---- Exact GELU: y = x P(x), where P is the normal distribution and its derivative the density.

inline double normal_distribution(double x) {
  return (1 + std::erf(x / std::sqrt(2))) / 2;
}

inline double gelu_exact_derivative(double x) {
  return normal_distribution(x) + x * std::exp(-x * x / 2) / std::sqrt(2 * std::numbers::pi);
}

// ---- The activation of the MLP.

inline Matrix activate(Activation activation, const Matrix& x) {
  return x.unaryExpr([=](double v) {
    return activation == Activation::gelu         ? gelu(v)
           : activation == Activation::gelu_exact ? v * normal_distribution(v)
                                                  : std::max(v, 0.0);
  });
}

inline Matrix activation_backward(Activation activation, const Matrix& d_y, const Matrix& x) {
  return d_y.cwiseProduct(x.unaryExpr([=](double v) {
    return activation == Activation::gelu         ? gelu_derivative(v)
           : activation == Activation::gelu_exact ? gelu_exact_derivative(v)
           : v > 0                                ? 1.0
                                                  : 0.0;
  }));
}

// ---- Dropout: y = m x, and d_x = m d_y, where m is 0 or 1 / (1 - rate).

inline Matrix dropout(const Matrix& x, const DropoutMask& mask) {
  return x.cwiseProduct(Matrix::NullaryExpr(
      x.rows(), x.cols(), [&](Index row, Index column) { return mask.scale(row, column); }));
}

// ---- Causal attention. For each sequence and head, with q, k, v [T, D]:
// s = q k^T scale,  p = softmax(s) over u <= t,  a = m p,  y = a v,  with m the dropout.

struct Attention {
  Index B, T, H, D;
  double scale;
  const DropoutMask& mask;

  /// Rows of sequence b; columns of head h in the part-th of the parts of H D columns.
  template <class M>
  auto at(M& x, Index b, Index h, Index part = 0) const {
    return x.block(b * T, (part * H + h) * D, T, D);
  }

  /// m [T, T] of one sequence and head.
  Matrix scales(Index b, Index h) const {
    return Matrix::NullaryExpr(
        T, T, [&](Index t, Index u) { return mask.scale((b * H + h) * T + t, u); });
  }

  Matrix probabilities(const Matrix& q, const Matrix& k) const {
    Matrix p = q * k.transpose() * scale;
    for (Index t = 0; t < T; ++t) {
      p.row(t).tail(T - 1 - t).setConstant(-std::numeric_limits<double>::infinity());
      p.row(t) = (p.row(t).array() - p.row(t).maxCoeff()).exp();
      p.row(t) /= p.row(t).sum();
    }
    return p;
  }

  Matrix forward(const Matrix& qkv) const {
    Matrix y(B * T, H * D);
    for (Index b = 0; b < B; ++b) {
      for (Index h = 0; h < H; ++h) {
        const Matrix q = at(qkv, b, h, 0), k = at(qkv, b, h, 1), v = at(qkv, b, h, 2);
        at(y, b, h) = scales(b, h).cwiseProduct(probabilities(q, k)) * v;
      }
    }
    return y;
  }

  // d_v = a^T d_y,  d_p = m (d_y v^T),  d_s = p (d_p - sum over u of p d_p).
  Matrix backward(const Matrix& all_d_y, const Matrix& qkv) const {
    Matrix d_qkv(B * T, 3 * H * D);
    for (Index b = 0; b < B; ++b) {
      for (Index h = 0; h < H; ++h) {
        const Matrix q = at(qkv, b, h, 0), k = at(qkv, b, h, 1), v = at(qkv, b, h, 2);
        const Matrix d_y = at(all_d_y, b, h), m = scales(b, h), p = probabilities(q, k);
        const Matrix d_p = m.cwiseProduct(d_y * v.transpose());
        const Column expected = p.cwiseProduct(d_p).rowwise().sum();
        const Matrix d_s = p.cwiseProduct(d_p.colwise() - expected);
        at(d_qkv, b, h, 0) = d_s * k * scale;
        at(d_qkv, b, h, 1) = d_s.transpose() * q * scale;
        at(d_qkv, b, h, 2) = m.cwiseProduct(p).transpose() * d_y;
      }
    }
    return d_qkv;
  }
};

}  // namespace nodezero::model::reference
