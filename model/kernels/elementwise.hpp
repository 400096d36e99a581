// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/activation.hpp"
#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// x += bias in every row: x [M, N], bias [N].
void add_bias(ConstVector bias, Matrix x);

/// sums[j] = the sum of column j: x [M, N], sums [N]. The gradient of a bias.
void column_sums(ConstMatrix x, Vector sums);

/// x += bias, then y = activation(x): x, y [M, N], bias [N].
void bias_activation(Activation activation, ConstVector bias, Matrix x, Matrix y);

/// Recomputes y = activation(x), turns d from the derivative with respect to y into the one with
/// respect to x, and overwrites d_bias with its column sums: x, d, y [M, N], d_bias [N].
void activation_backward(Activation activation, ConstMatrix x, Matrix d, Matrix y, Vector d_bias);

/// The same, but adds the column sums to d_bias.
void add_activation_backward(Activation activation, ConstMatrix x, Matrix d, Matrix y,
                             Vector d_bias);

/// x = erf(x), within 2 units in the last place: x [N].
void error_function(Vector x);

/// x = tanh(x), within 2 units in the last place: x [N].
void tangent(Vector x);

}  // namespace nodezero::model
