// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/attention_rows.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/kernels/multiversion.hpp"
#include "model/kernels/vector_math.hpp"

namespace nodezero::model {

NODEZERO_MULTIVERSION float softmax_row(std::int64_t count, float scale, float* scores) {
  const std::int64_t padded = round_up(count, group);
  std::fill(scores + count, scores + padded, -std::numeric_limits<float>::infinity());
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (std::int64_t u = 0; u < padded; ++u) {
    largest = scores[u] > largest ? scores[u] : largest;
  }
  // The exponential of a padded score is about 1e-38, too little to change a bit of a sum
  // that holds e^0.
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t u = 0; u < padded; ++u) {
    const float e = fast_exp((scores[u] - largest) * scale);
    scores[u] = e;
    sum += e;
  }
  const float reciprocal = 1.0f / sum;
#pragma omp simd
  for (std::int64_t u = 0; u < padded; ++u) {
    scores[u] *= reciprocal;
  }
  return largest * scale + std::log(sum);
}

NODEZERO_MULTIVERSION float inner_product(std::int64_t count, const float* a, const float* b) {
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t i = 0; i < count; ++i) {
    sum += a[i] * b[i];
  }
  return sum;
}

NODEZERO_MULTIVERSION void softmax_backward_row(std::int64_t count, float scale, float log_sum,
                                                float expected, const float* m, float* scores,
                                                float* d_p) {
  const std::int64_t padded = round_up(count, group);
#pragma omp simd
  for (std::int64_t u = 0; u < padded; ++u) {
    const float p = fast_exp(scores[u] * scale - log_sum);
    scores[u] = p * m[u];
    d_p[u] = p * (d_p[u] * m[u] - expected) * scale;
  }
}

}  // namespace nodezero::model
