// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// Mean and reciprocal standard deviation of each of M rows, which forward keeps for backward.
struct RowMoments {
  Vector mean;                  ///< [M]
  Vector reciprocal_deviation;  ///< [M]

  RowMoments row(Index i) { return {mean.segment(i, 1), reciprocal_deviation.segment(i, 1)}; }
};

/// y = (x - mean) / sqrt(variance + epsilon) * gain + bias, row by row, and writes the moments:
/// x, y [M, C], gain, bias [C]. (Ba, Kiros, Hinton: "Layer normalization", 2016.)
void layer_norm(ConstMatrix x, ConstVector gain, ConstVector bias, float epsilon, Matrix y,
                RowMoments moments);

/// The same from moments that layer_norm() wrote.
void layer_norm_again(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments,
                      Matrix y);

/// Adds the derivative with respect to x to d_x [M, C]; overwrites d_gain and d_bias [C].
void layer_norm_backward(ConstMatrix d_y, ConstMatrix x, ConstVector gain, RowMoments moments,
                         Matrix d_x, Vector d_gain, Vector d_bias);

}  // namespace nodezero::model
