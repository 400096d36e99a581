// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// LayerNorm, softmax and the loss of one row. The functions that call them say what they do:
// layer_norm.hpp, elementwise.hpp, attention_rows.hpp, cross_entropy.hpp.

#include "model/kernels/functions.hpp"
#include "model/kernels/levels/sixteen.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

inline constexpr float infinity = __builtin_inff();

// ---- LayerNorm

static void normalise_row(Index width, const float* x, const float* gain, const float* bias,
                          float mean, float reciprocal_deviation, float* y) {
  for (Index c = 0; c < width; ++c) {
    y[c] = (x[c] - mean) * reciprocal_deviation * gain[c] + bias[c];
  }
}

static void layer_norm_row(Index width, const float* x, const float* gain, const float* bias,
                           float epsilon, float* y, float* mean_out,
                           float* reciprocal_deviation_out) {
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  Sixteen sums = sixteen(0.0f);
  for_each_sixteen(width, [&](Index c, Index count) { sums = sums + load_sixteen(x + c, count); });
  const float mean = sum_of(sums) * reciprocal_width;
  // A second pass over the row, which is in the first-level cache, keeps the digits that
  // mean(x^2) - mean(x)^2 would lose.
  Sixteen squares = sixteen(0.0f);
  for_each_sixteen(width, [&](Index c, Index count) {
    const Sixteen d = load_sixteen(x + c, count, mean) - sixteen(mean);
    squares = squares + d * d;
  });
  const float variance = sum_of(squares) * reciprocal_width;
  const float reciprocal_deviation = 1.0f / __builtin_sqrtf(variance + epsilon);
  normalise_row(width, x, gain, bias, mean, reciprocal_deviation, y);
  *mean_out = mean;
  *reciprocal_deviation_out = reciprocal_deviation;
}

// With n = (x - mean) r and e = d_y gain:  d_x = r (e - mean(e) - n mean(e n)).
static void layer_norm_backward_row(Index width, const float* d_y, const float* x,
                                    const float* gain, float mean, float r, float* d_x,
                                    float* d_gain, float* d_bias) {
  const float reciprocal_width = 1.0f / static_cast<float>(width);
  Sixteen sum_e = sixteen(0.0f), sum_en = sum_e;
  for_each_sixteen(width, [&](Index c, Index count) {
    const Sixteen above = load_sixteen(d_y + c, count);
    const Sixteen n = (load_sixteen(x + c, count, mean) - sixteen(mean)) * sixteen(r);
    const Sixteen e = above * load_sixteen(gain + c, count);
    sum_e = sum_e + e;
    sum_en = sum_en + e * n;
    store_sixteen(load_sixteen(d_gain + c, count) + above * n, d_gain + c, count);
    store_sixteen(load_sixteen(d_bias + c, count) + above, d_bias + c, count);
  });
  const float mean_e = sum_of(sum_e) * reciprocal_width;
  const float mean_en = sum_of(sum_en) * reciprocal_width;
  for (Index c = 0; c < width; ++c) {
    const float n = (x[c] - mean) * r;
    d_x[c] += r * (d_y[c] * gain[c] - mean_e - n * mean_en);
  }
}

// ---- Hyperbolic tangent

/// tanh(x), within 2 units in the last place: (1 - e) / (1 + e) with e = exp(-2 |x|), and where
/// that would lose digits the Taylor series.
static void tangent_row(Index count, const float* x, float* y) {
  for_each_sixteen(count, [&](Index i, Index n) {
    const Sixteen v = load_sixteen(x + i, n), z = v * v, one = sixteen(1.0f);
    const Sixteen e = exp(sixteen(-2.0f) * absolute(v));
    Sixteen series = sixteen(6404582.0f / 10854718875);
    series = sixteen(-929569.0f / 638512875) + z * series;
    series = sixteen(21844.0f / 6081075) + z * series;
    series = sixteen(-1382.0f / 155925) + z * series;
    series = sixteen(62.0f / 2835) + z * series;
    series = sixteen(-17.0f / 315) + z * series;
    series = sixteen(2.0f / 15) + z * series;
    series = sixteen(-1.0f / 3) + z * series;
    const Sixteen near_zero = v + v * z * series;
    const Sixteen far = with_sign_of(v, (one - e) / (one + e));
    store_sixteen(where_small(v, 0.6f, near_zero, far), y + i, n);
  });
}

// ---- Softmax

NODEZERO_INLINE float largest_of_row(Index count, const float* x) {
  Sixteen largest = sixteen(-infinity);
  for_each_sixteen(count, [&](Index i, Index n) {
    largest = larger(load_sixteen(x + i, n, -infinity), largest);
  });
  return largest_of(largest);
}

static float softmax_row(Index count, float scale, float* s) {
  const float largest = largest_of_row(count, s);
  Sixteen sums = sixteen(0.0f);
  for_each_sixteen(count, [&](Index u, Index n) {
    const Sixteen e = exp((load_sixteen(s + u, n, -infinity) - sixteen(largest)) * sixteen(scale));
    store_sixteen(e, s + u, n);
    sums = sums + e;
  });
  const float sum = sum_of(sums);
  const float reciprocal = 1.0f / sum;
  for (Index u = 0; u < count; ++u) {
    s[u] *= reciprocal;
  }
  return largest * scale + log(sum);
}

static void softmax_backward_row(Index count, float scale, float log_sum, float expected,
                                 const float* dropout, float* scores, float* d_p) {
  for_each_sixteen(count, [&](Index u, Index n) {
    const Sixteen p = exp(load_sixteen(scores + u, n) * sixteen(scale) - sixteen(log_sum));
    const Sixteen m = load_sixteen(dropout + u, n);
    const Sixteen d = load_sixteen(d_p + u, n);
    store_sixteen(p * m, scores + u, n);
    store_sixteen(p * (d * m - sixteen(expected)) * sixteen(scale), d_p + u, n);
  });
}

static float inner_product(Index count, const float* a, const float* b) {
  Sixteen sums = sixteen(0.0f);
  for_each_sixteen(count, [&](Index i, Index n) {
    sums = sums + load_sixteen(a + i, n) * load_sixteen(b + i, n);
  });
  return sum_of(sums);
}

// ---- Loss

NODEZERO_INLINE double log_of_sum(float sum, float largest, float target_logit) {
  return log(static_cast<double>(sum)) +
         (static_cast<double>(largest) - static_cast<double>(target_logit));
}

// A logit that is not a number does not win the comparison, but makes the sum of
// exponentials, and with it loss and gradient, not a number either.
static double negative_log_likelihood(Index vocabulary, const float* z, std::int32_t target) {
  const float largest = largest_of_row(vocabulary, z);
  Sixteen sums = sixteen(0.0f);
  for_each_sixteen(vocabulary, [&](Index v, Index n) {
    sums = sums + exp(load_sixteen(z + v, n, -infinity) - sixteen(largest));
  });
  return log_of_sum(sum_of(sums), largest, z[target]);
}

static double cross_entropy_backward(Index vocabulary, float* z, std::int32_t target) {
  const float largest = largest_of_row(vocabulary, z);
  const float target_logit = z[target];
  Sixteen sums = sixteen(0.0f);
  for_each_sixteen(vocabulary, [&](Index v, Index n) {
    const Sixteen e = exp(load_sixteen(z + v, n, -infinity) - sixteen(largest));
    store_sixteen(e, z + v, n);
    sums = sums + e;
  });
  const float sum = sum_of(sums);
  const float reciprocal = 1.0f / sum;
  for (Index v = 0; v < vocabulary; ++v) {
    z[v] *= reciprocal;
  }
  z[target] -= 1.0f;
  return log_of_sum(sum, largest, target_logit);
}

}  // namespace nodezero::model::NODEZERO_LEVEL
