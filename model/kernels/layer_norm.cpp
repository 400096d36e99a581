// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/layer_norm.hpp"

#include <algorithm>
#include <cmath>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {
namespace {

constexpr float epsilon = 1e-5f;

NODEZERO_MULTIVERSION void normalise_row(std::int64_t width, const float* x, const float* gain,
                                         const float* bias, float mean, float reciprocal_deviation,
                                         float* y) {
#pragma omp simd
  for (std::int64_t c = 0; c < width; ++c) {
    y[c] = (x[c] - mean) * reciprocal_deviation * gain[c] + bias[c];
  }
}

}  // namespace

NODEZERO_MULTIVERSION void layer_norm(std::int64_t rows, std::int64_t width, const float* x,
                                      const float* gain, const float* bias, float* y,
                                      RowMoments moments) {
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  for (std::int64_t row = 0; row < rows; ++row, x += width, y += width) {
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (std::int64_t c = 0; c < width; ++c) {
      sum += x[c];
    }
    const float mean = sum * reciprocal_width;
    // A second pass over the row, which is in the first-level cache, keeps the digits that
    // mean(x^2) - mean(x)^2 would lose.
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (std::int64_t c = 0; c < width; ++c) {
      squares += (x[c] - mean) * (x[c] - mean);
    }
    const float reciprocal_deviation = 1.0f / std::sqrt(squares * reciprocal_width + epsilon);
    normalise_row(width, x, gain, bias, mean, reciprocal_deviation, y);
    moments.mean[row] = mean;
    moments.reciprocal_deviation[row] = reciprocal_deviation;
  }
}

void layer_norm_again(std::int64_t rows, std::int64_t width, const float* x, const float* gain,
                      const float* bias, RowMoments moments, float* y) {
  for (std::int64_t row = 0; row < rows; ++row) {
    normalise_row(width, x + row * width, gain, bias, moments.mean[row],
                  moments.reciprocal_deviation[row], y + row * width);
  }
}

// With n = (x - mean) r and e = d_y gain:  d_x = r (e - mean(e) - n mean(e n)).
NODEZERO_MULTIVERSION void layer_norm_backward(std::int64_t rows, std::int64_t width,
                                               const float* d_y, const float* x, const float* gain,
                                               RowMoments moments, float* d_x, float* d_gain,
                                               float* d_bias) {
  std::fill_n(d_gain, width, 0.0f);
  std::fill_n(d_bias, width, 0.0f);
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  for (std::int64_t row = 0; row < rows; ++row, d_y += width, x += width, d_x += width) {
    const float mean = moments.mean[row];
    const float r = moments.reciprocal_deviation[row];
    float sum_e = 0;
    float sum_en = 0;
#pragma omp simd reduction(+ : sum_e, sum_en)
    for (std::int64_t c = 0; c < width; ++c) {
      const float n = (x[c] - mean) * r;
      const float e = d_y[c] * gain[c];
      sum_e += e;
      sum_en += e * n;
      d_gain[c] += d_y[c] * n;
      d_bias[c] += d_y[c];
    }
    const float mean_e = sum_e * reciprocal_width;
    const float mean_en = sum_en * reciprocal_width;
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) {
      const float n = (x[c] - mean) * r;
      d_x[c] += r * (d_y[c] * gain[c] - mean_e - n * mean_en);
    }
  }
}

}  // namespace nodezero::model
