// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/attention_rows.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>
#include <limits>

#include "model/kernels/multiversion.hpp"
#include "model/kernels/vector_math.hpp"

namespace nodezero::model {

NODEZERO_MULTIVERSION float softmax_row(Index count, float scale, Vector scores) {
  const Index padded = round_up(count, group);
  assert(scores.size() >= padded);
  float* const s = scores.data();
  std::fill(s + count, s + padded, -std::numeric_limits<float>::infinity());
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (Index u = 0; u < padded; ++u) {
    largest = s[u] > largest ? s[u] : largest;
  }
  // The exponential of a padded score is about 1e-38, too little to change a bit of a sum
  // that holds e^0.
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index u = 0; u < padded; ++u) {
    const float e = fast_exp((s[u] - largest) * scale);
    s[u] = e;
    sum += e;
  }
  const float reciprocal = 1.0f / sum;
#pragma omp simd
  for (Index u = 0; u < padded; ++u) {
    s[u] *= reciprocal;
  }
  return largest * scale + std::log(sum);
}

NODEZERO_MULTIVERSION float inner_product(ConstVector a, ConstVector b) {
  assert(a.size() == b.size());
  const Index count = a.size();
  const float* const x = a.data();
  const float* const y = b.data();
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index i = 0; i < count; ++i) {
    sum += x[i] * y[i];
  }
  return sum;
}

NODEZERO_MULTIVERSION void softmax_backward_row(Index count, float scale, float log_sum,
                                                float expected, ConstVector m, Vector scores,
                                                Vector d_p) {
  const Index padded = round_up(count, group);
  assert(m.size() >= padded && scores.size() >= padded && d_p.size() >= padded);
  const float* const dropout = m.data();
  float* const s = scores.data();
  float* const d = d_p.data();
#pragma omp simd
  for (Index u = 0; u < padded; ++u) {
    const float p = fast_exp(s[u] * scale - log_sum);
    s[u] = p * dropout[u];
    d[u] = p * (d[u] * dropout[u] - expected) * scale;
  }
}

}  // namespace nodezero::model
