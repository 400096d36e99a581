// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// x += bias in every row: x [M, N], bias [N].
void add_bias(ConstVector bias, Matrix x);

/// sums[j] = the sum of column j: x [M, N], sums [N]. The gradient of a bias.
void column_sums(ConstMatrix x, Vector sums);

/// x += bias, then y = gelu(x): x, y [M, N], bias [N]. GPT-2's tanh form of GELU (Hendrycks,
/// Gimpel: "Gaussian error linear units", 2016).
void bias_gelu(ConstVector bias, Matrix x, Matrix y);

/// Recomputes y = gelu(x), turns d from the derivative with respect to y into the one with respect
/// to x, and overwrites d_bias with its column sums: x, d, y [M, N], d_bias [N].
void gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias);

/// The same, but adds the column sums to d_bias.
void add_gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias);

/// x = tanh(x), within 2 units in the last place: x [N].
void tangent(Vector x);

}  // namespace nodezero::model
