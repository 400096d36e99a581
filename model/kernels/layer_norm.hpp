// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// Mean and reciprocal standard deviation of rows, kept from forward for backward.
struct RowMoments {
  float* mean;
  float* reciprocal_deviation;
};

/// y = (x - mean) / sqrt(variance + 1e-5) * gain + bias for each of `rows` rows of `width`
/// values; writes the moments. (Ba, Kiros, Hinton: "Layer normalization", 2016.)
void layer_norm(std::int64_t rows, std::int64_t width, const float* x, const float* gain,
                const float* bias, float* y, RowMoments moments);

/// The same from moments that are known already.
void layer_norm_again(std::int64_t rows, std::int64_t width, const float* x, const float* gain,
                      const float* bias, RowMoments moments, float* y);

/// Adds the derivative with respect to x to d_x; overwrites d_gain and d_bias.
void layer_norm_backward(std::int64_t rows, std::int64_t width, const float* d_y, const float* x,
                         const float* gain, RowMoments moments, float* d_x, float* d_gain,
                         float* d_bias);

}  // namespace nodezero::model
