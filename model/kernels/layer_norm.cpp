// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/layer_norm.hpp"

#include <cassert>
#include <cmath>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {
namespace {

constexpr float epsilon = 1e-5f;

NODEZERO_MULTIVERSION void normalise_row(Index width, const float* x, const float* gain,
                                         const float* bias, float mean, float reciprocal_deviation,
                                         float* y) {
#pragma omp simd
  for (Index c = 0; c < width; ++c) {
    y[c] = (x[c] - mean) * reciprocal_deviation * gain[c] + bias[c];
  }
}

}  // namespace

NODEZERO_MULTIVERSION void layer_norm(ConstMatrix x, ConstVector gain, ConstVector bias, Matrix y,
                                      RowMoments moments) {
  assert(same_shape(y, x));
  assert(gain.size() == x.cols() && bias.size() == x.cols());
  const Index width = x.cols();
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  for (Index row = 0; row < x.rows(); ++row) {
    const float* const in = x.row(row).data();
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index c = 0; c < width; ++c) {
      sum += in[c];
    }
    const float mean = sum * reciprocal_width;
    // A second pass over the row, which is in the first-level cache, keeps the digits that
    // mean(x^2) - mean(x)^2 would lose.
    float squares = 0;
#pragma omp simd reduction(+ : squares)
    for (Index c = 0; c < width; ++c) {
      squares += (in[c] - mean) * (in[c] - mean);
    }
    const float reciprocal_deviation = 1.0f / std::sqrt(squares * reciprocal_width + epsilon);
    normalise_row(width, in, gain.data(), bias.data(), mean, reciprocal_deviation,
                  y.row(row).data());
    moments.mean[row] = mean;
    moments.reciprocal_deviation[row] = reciprocal_deviation;
  }
}

void layer_norm_again(ConstMatrix x, ConstVector gain, ConstVector bias, RowMoments moments,
                      Matrix y) {
  assert(same_shape(y, x));
  assert(gain.size() == x.cols() && bias.size() == x.cols());
  for (Index row = 0; row < x.rows(); ++row) {
    normalise_row(x.cols(), x.row(row).data(), gain.data(), bias.data(), moments.mean[row],
                  moments.reciprocal_deviation[row], y.row(row).data());
  }
}

// With n = (x - mean) r and e = d_y gain:  d_x = r (e - mean(e) - n mean(e n)).
NODEZERO_MULTIVERSION void layer_norm_backward(ConstMatrix d_y, ConstMatrix x, ConstVector gain,
                                               RowMoments moments, Matrix d_x, Vector d_gain,
                                               Vector d_bias) {
  assert(same_shape(d_y, x) && same_shape(d_x, x));
  assert(gain.size() == x.cols() && d_gain.size() == x.cols() && d_bias.size() == x.cols());
  const Index width = x.cols();
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  const float* const g = gain.data();
  float* const d_g = d_gain.data();
  float* const d_b = d_bias.data();
  d_gain.setZero();
  d_bias.setZero();
  for (Index row = 0; row < x.rows(); ++row) {
    const float* const above = d_y.row(row).data();
    const float* const in = x.row(row).data();
    float* const below = d_x.row(row).data();
    const float mean = moments.mean[row];
    const float r = moments.reciprocal_deviation[row];
    float sum_e = 0;
    float sum_en = 0;
#pragma omp simd reduction(+ : sum_e, sum_en)
    for (Index c = 0; c < width; ++c) {
      const float n = (in[c] - mean) * r;
      const float e = above[c] * g[c];
      sum_e += e;
      sum_en += e * n;
      d_g[c] += above[c] * n;
      d_b[c] += above[c];
    }
    const float mean_e = sum_e * reciprocal_width;
    const float mean_en = sum_en * reciprocal_width;
#pragma omp simd
    for (Index c = 0; c < width; ++c) {
      const float n = (in[c] - mean) * r;
      below[c] += r * (above[c] * g[c] - mean_e - n * mean_en);
    }
  }
}

}  // namespace nodezero::model
