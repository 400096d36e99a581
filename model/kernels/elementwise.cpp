// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/elementwise.hpp"

#include <cassert>

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

NODEZERO_MULTIVERSION void add_bias(ConstVector bias, Matrix x) {
  assert(bias.size() == x.cols());
  const Index width = x.cols();
  const float* const b = bias.data();
  for (Index row = 0; row < x.rows(); ++row) {
    float* const to = x.row(row).data();
#pragma omp simd
    for (Index j = 0; j < width; ++j) {
      to[j] += b[j];
    }
  }
}

NODEZERO_MULTIVERSION void column_sums(ConstMatrix x, Vector sums) {
  assert(sums.size() == x.cols());
  const Index width = x.cols();
  float* const to = sums.data();
  sums.setZero();
  for (Index row = 0; row < x.rows(); ++row) {
    const float* const from = x.row(row).data();
#pragma omp simd
    for (Index j = 0; j < width; ++j) {
      to[j] += from[j];
    }
  }
}

NODEZERO_MULTIVERSION void bias_gelu(ConstVector bias, Matrix x, Matrix y) {
  assert(bias.size() == x.cols() && same_shape(y, x));
  const Index width = x.cols();
  const float* const b = bias.data();
  for (Index row = 0; row < x.rows(); ++row) {
    float* const in = x.row(row).data();
    float* const out = y.row(row).data();
#pragma omp simd
    for (Index j = 0; j < width; ++j) {
      const float v = in[j] + b[j];
      in[j] = v;
      out[j] = v * gate(v);
    }
  }
}

void gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias) {
  d_bias.setZero();
  add_gelu_backward(x, d, y, d_bias);
}

NODEZERO_MULTIVERSION void add_gelu_backward(ConstMatrix x, Matrix d, Matrix y, Vector d_bias) {
  assert(same_shape(d, x) && same_shape(y, x) && d_bias.size() == x.cols());
  const Index width = x.cols();
  float* const sums = d_bias.data();
  for (Index row = 0; row < x.rows(); ++row) {
    const float* const in = x.row(row).data();
    float* const derivative = d.row(row).data();
    float* const out = y.row(row).data();
#pragma omp simd
    for (Index j = 0; j < width; ++j) {
      const float v = in[j];
      const float s = gate(v);
      const float d_exponent = twice_k * (1.0f + 3.0f * cubic * v * v);
      const float d_x = derivative[j] * (s + v * s * (1.0f - s) * d_exponent);
      out[j] = v * s;
      derivative[j] = d_x;
      sums[j] += d_x;
    }
  }
}

}  // namespace nodezero::model
