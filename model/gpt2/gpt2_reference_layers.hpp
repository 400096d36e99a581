// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "model/kernels/dropout.hpp"

/// The layers of the reference path. B sequences of T tokens, C channels, H heads of width
/// D = C / H; x[i, j] is element j of row i. In each backward function, d_y is the derivative
/// of the loss with respect to y; derivatives are added to what the result already holds.
namespace nodezero::model::reference {

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

/// y = layer_norm(x) g + b, where layer_norm(x) = (x - mean) / sqrt(variance + 1e-5) by row.
Matrix layer_norm(const Matrix& x, const double* g, const double* b);
void layer_norm_backward(const Matrix& d_y, const Matrix& x, const double* g, Matrix& d_x,
                         double* d_g, double* d_b);

/// y = x w + b, with w [inputs, outputs].
Matrix linear(const Matrix& x, const double* w, const double* b, Index outputs);
void linear_backward(const Matrix& d_y, const Matrix& x, const double* w, Matrix& d_x, double* d_w,
                     double* d_b);

/// gelu(x) = x (1 + tanh(u)) / 2,  u = sqrt(2 / pi) (x + 0.044715 x^3)  (Hendrycks, Gimpel 2016).
Matrix gelu(const Matrix& x);
void gelu_backward(const Matrix& d_y, const Matrix& x, Matrix& d_x);

/// Multiplies by 0 or 1 / (1 - rate), forward and backward alike.
void dropout(Matrix& x, const DropoutMask& mask);

/// Causal attention. For each sequence and head, with q, k, v in thirds of the columns of qkv:
/// s[t, u] = q[t] k[u] / sqrt(D) for u <= t,  p = softmax of s by row,
/// y[t] = sum over u of m[t, u] p[t, u] v[u], with m the dropout mask.
struct Attention {
  Index B, T, H, D;
  const DropoutMask& mask;

  Matrix forward(const Matrix& qkv) const;
  void backward(const Matrix& d_y, const Matrix& qkv, Matrix& d_qkv) const;

 private:
  Index query(Index h) const { return h * D; }
  Index key(Index h) const { return (H + h) * D; }
  Index value(Index h) const { return (2 * H + h) * D; }
  double masked(Index b, Index h, Index t, Index u) const {
    return mask.scale((b * H + h) * T + t, u);
  }
  std::vector<double> probabilities(const Matrix& qkv, Index b, Index h, Index t) const;
  void query_backward(const double* d_y, const Matrix& qkv, Matrix& d_qkv, Index b, Index h,
                      Index t) const;
};

}  // namespace nodezero::model::reference
