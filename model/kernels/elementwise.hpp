// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// Adds `bias` to every row of x [rows, width].
void add_bias(std::int64_t rows, std::int64_t width, const float* bias, float* x);

/// sums[c] = sum of column c of x [rows, width]: the gradient of a bias.
void column_sums(std::int64_t rows, std::int64_t width, const float* x, float* sums);

/// x += bias, y = gelu(x) for x, y [rows, width]: the tanh form (Hendrycks, Gimpel: "Gaussian
/// error linear units", 2016) that GPT-2 uses.
void bias_gelu(std::int64_t rows, std::int64_t width, const float* bias, float* x, float* y);

/// Works out y = gelu(x) again, multiplies d [rows, width], the derivative with respect to
/// y, by gelu'(x), and overwrites d_bias with the column sums of the result.
void gelu_backward(std::int64_t rows, std::int64_t width, const float* x, float* d, float* y,
                   float* d_bias);

/// The same, but adds the column sums to d_bias.
void add_gelu_backward(std::int64_t rows, std::int64_t width, const float* x, float* d, float* y,
                       float* d_bias);

}  // namespace nodezero::model
