// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// The activations of the MLP, one row at a time: forward takes x + bias, backward takes x with the
// bias in it. elementwise.hpp says what the rows are.

#include "model/kernels/levels/sixteen.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

// ---- GELU in its tanh form

// gelu(x) = x (1 + tanh(u)) / 2 with u = k (x + 0.044715 x^3), k = sqrt(2 / pi). Since
// (1 + tanh(u)) / 2 = 1 / (1 + e^(-2u)), it is x s with s that logistic function, and
// gelu'(x) = s + x s (1 - s) 2 u'.
inline constexpr float twice_k = 1.5957691216057308f;
inline constexpr float cubic = 0.044715f;

NODEZERO_INLINE Sixteen gate(const Sixteen& x) {
  const Sixteen one = sixteen(1.0f);
  return one / (one + exp(sixteen(-twice_k) * (x + sixteen(cubic) * x * x * x)));
}

static void bias_gelu_row(Index width, const float* bias, float* x, float* y) {
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count) + load_sixteen(bias + j, count);
    store_sixteen(v, x + j, count);
    store_sixteen(v * gate(v), y + j, count);
  });
}

static void gelu_backward_row(Index width, const float* x, float* d, float* y, float* d_bias) {
  const Sixteen one = sixteen(1.0f);
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count);
    const Sixteen s = gate(v);
    const Sixteen d_exponent = sixteen(twice_k) * (one + sixteen(3.0f * cubic) * v * v);
    const Sixteen d_x = load_sixteen(d + j, count) * (s + v * s * (one - s) * d_exponent);
    store_sixteen(v * s, y + j, count);
    store_sixteen(d_x, d + j, count);
    store_sixteen(load_sixteen(d_bias + j, count) + d_x, d_bias + j, count);
  });
}

// ---- Error function

/// p = p x + c for each of the coefficients, from that of the highest power down.
template <Index count>
NODEZERO_INLINE Sixteen polynomial(const Sixteen& x, const float (&coefficients)[count]) {
  Sixteen p = sixteen(coefficients[0]);
#pragma GCC unroll 8
  for (Index i = 1; i < count; ++i) {
    p = fma(p, x, sixteen(coefficients[i]));
  }
  return p;
}

/// erf(x), within 2 units in the last place: x + x p(x^2) near zero; elsewhere 1 - e^(-t q(t)) with
/// t = |x|, which is 1 from 4 on. p and q interpolate erf(x) / x - 1 and -log(1 - erf(t)) / t
/// in Chebyshev's points of the two ranges.
NODEZERO_INLINE Sixteen error_function(const Sixteen& x) {
  constexpr float bound = 0.9f;
  constexpr float p[] = {8.529401384294033e-05f,  -8.179632131941617e-04f,
                         5.2042268216609955e-03f, -2.6860665529966354e-02f,
                         1.1283718049526215e-01f, -3.7612634897232056e-01f,
                         1.2837916612625122e-01f};
  constexpr float q[] = {1.658868495724164e-05f,  -3.7344780866988003e-04f, 3.8316245190799236e-03f,
                         -2.411654405295849e-02f, 1.0658469796180725e-01f,  6.349844336509705e-01f,
                         1.1286782026290894e+00f};
  const Sixteen near_zero = fma(polynomial(x * x, p), x, x);
  Sixteen t = absolute(x);
  t = each_part(
      [&](Index i) -> Register { return t.part[i] > 4.0f ? broadcast(4.0f) : t.part[i]; });
  const Sixteen far = sixteen(1.0f) - exp((sixteen(0.0f) - t) * polynomial(t, q));
  return where_small(x, bound, near_zero, with_sign_of(x, far));
}

static void error_function_row(Index count, const float* x, float* y) {
  for_each_sixteen(count, [&](Index i, Index n) {
    store_sixteen(error_function(load_sixteen(x + i, n)), y + i, n);
  });
}

// ---- Exact GELU

// gelu(x) = x s with s = (1 + erf(x / sqrt(2))) / 2, the normal distribution; and
// gelu'(x) = s + x e^(-x^2 / 2) / sqrt(2 pi).
inline constexpr float root_of_half = 0.70710678f;
inline constexpr float density_of_zero = 0.39894228f;

NODEZERO_INLINE Sixteen distribution(const Sixteen& x) {
  return sixteen(0.5f) * (sixteen(1.0f) + error_function(sixteen(root_of_half) * x));
}

static void bias_gelu_exact_row(Index width, const float* bias, float* x, float* y) {
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count) + load_sixteen(bias + j, count);
    store_sixteen(v, x + j, count);
    store_sixteen(v * distribution(v), y + j, count);
  });
}

static void gelu_exact_backward_row(Index width, const float* x, float* d, float* y,
                                    float* d_bias) {
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count);
    const Sixteen s = distribution(v);
    const Sixteen density = sixteen(density_of_zero) * exp(sixteen(-0.5f) * v * v);
    const Sixteen d_x = load_sixteen(d + j, count) * (s + v * density);
    store_sixteen(v * s, y + j, count);
    store_sixteen(d_x, d + j, count);
    store_sixteen(load_sixteen(d_bias + j, count) + d_x, d_bias + j, count);
  });
}

// ---- ReLU

/// `v` where x is above zero or not a number, else +0.
NODEZERO_INLINE Sixteen where_above_zero(const Sixteen& x, const Sixteen& v) {
  return each_part(
      [&](Index i) -> Register { return x.part[i] <= 0.0f ? broadcast(0.0f) : v.part[i]; });
}

static void bias_relu_row(Index width, const float* bias, float* x, float* y) {
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count) + load_sixteen(bias + j, count);
    store_sixteen(v, x + j, count);
    store_sixteen(where_above_zero(v, v), y + j, count);
  });
}

static void relu_backward_row(Index width, const float* x, float* d, float* y, float* d_bias) {
  for_each_sixteen(width, [&](Index j, Index count) {
    const Sixteen v = load_sixteen(x + j, count);
    const Sixteen d_x = where_above_zero(v, load_sixteen(d + j, count));
    store_sixteen(where_above_zero(v, v), y + j, count);
    store_sixteen(d_x, d + j, count);
    store_sixteen(load_sixteen(d_bias + j, count) + d_x, d_bias + j, count);
  });
}

}  // namespace nodezero::model::NODEZERO_LEVEL
