// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/elementwise.hpp"

#include <algorithm>

#include "model/kernels/multiversion.hpp"
#include "model/kernels/vector_math.hpp"

namespace nodezero::model {
namespace {

// gelu(x) = x (1 + tanh(u)) / 2 with u = k (x + 0.044715 x^3), k = sqrt(2 / pi). Since
// (1 + tanh(u)) / 2 = 1 / (1 + e^(-2u)), it is x s with s that logistic function, and
// gelu'(x) = s + x s (1 - s) 2 u'.
constexpr float twice_k = 1.5957691216057308f;
constexpr float cubic = 0.044715f;

float gate(float x) {
  return 1.0f / (1.0f + fast_exp(-twice_k * (x + cubic * x * x * x)));
}

}  // namespace

NODEZERO_MULTIVERSION void add_bias(std::int64_t rows, std::int64_t width, const float* bias,
                                    float* x) {
  for (std::int64_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) {
      x[c] += bias[c];
    }
  }
}

NODEZERO_MULTIVERSION void column_sums(std::int64_t rows, std::int64_t width, const float* x,
                                       float* sums) {
  std::fill_n(sums, width, 0.0f);
  for (std::int64_t row = 0; row < rows; ++row, x += width) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) {
      sums[c] += x[c];
    }
  }
}

NODEZERO_MULTIVERSION void bias_gelu(std::int64_t rows, std::int64_t width, const float* bias,
                                     float* x, float* y) {
  for (std::int64_t row = 0; row < rows; ++row, x += width, y += width) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) {
      const float v = x[c] + bias[c];
      x[c] = v;
      y[c] = v * gate(v);
    }
  }
}

void gelu_backward(std::int64_t rows, std::int64_t width, const float* x, float* d, float* y,
                   float* d_bias) {
  std::fill_n(d_bias, width, 0.0f);
  add_gelu_backward(rows, width, x, d, y, d_bias);
}

NODEZERO_MULTIVERSION void add_gelu_backward(std::int64_t rows, std::int64_t width, const float* x,
                                             float* d, float* y, float* d_bias) {
  for (std::int64_t row = 0; row < rows; ++row, x += width, d += width, y += width) {
#pragma omp simd
    for (std::int64_t c = 0; c < width; ++c) {
      const float v = x[c];
      const float s = gate(v);
      const float d_exponent = twice_k * (1.0f + 3.0f * cubic * v * v);
      const float d_x = d[c] * (s + v * s * (1.0f - s) * d_exponent);
      y[c] = v * s;
      d[c] = d_x;
      d_bias[c] += d_x;
    }
  }
}

}  // namespace nodezero::model
