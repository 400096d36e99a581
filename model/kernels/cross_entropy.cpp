// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/cross_entropy.hpp"

#include <cmath>
#include <limits>

#include "model/kernels/multiversion.hpp"
#include "model/kernels/vector_math.hpp"

namespace nodezero::model {
namespace {

// A logit that is not a number does not win the comparison, but makes the sum of
// exponentials, and with it loss and gradient, not a number either.
NODEZERO_MULTIVERSION float largest_of(Index vocabulary, const float* logits) {
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (Index v = 0; v < vocabulary; ++v) {
    largest = logits[v] > largest ? logits[v] : largest;
  }
  return largest;
}

double log_of_sum(float sum, float largest, float target_logit) {
  return std::log(static_cast<double>(sum)) +
         (static_cast<double>(largest) - static_cast<double>(target_logit));
}

}  // namespace

NODEZERO_MULTIVERSION double negative_log_likelihood(ConstVector logits, std::int32_t target) {
  const Index vocabulary = logits.size();
  const float* const z = logits.data();
  const float largest = largest_of(vocabulary, z);
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index v = 0; v < vocabulary; ++v) {
    sum += fast_exp(z[v] - largest);
  }
  return log_of_sum(sum, largest, logits[target]);
}

NODEZERO_MULTIVERSION double cross_entropy_backward(Vector logits, std::int32_t target) {
  const Index vocabulary = logits.size();
  float* const z = logits.data();
  const float largest = largest_of(vocabulary, z);
  const float target_logit = logits[target];
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (Index v = 0; v < vocabulary; ++v) {
    const float e = fast_exp(z[v] - largest);
    z[v] = e;
    sum += e;
  }
  const float reciprocal = 1.0f / sum;
#pragma omp simd
  for (Index v = 0; v < vocabulary; ++v) {
    z[v] *= reciprocal;
  }
  logits[target] -= 1.0f;
  return log_of_sum(sum, largest, target_logit);
}

}  // namespace nodezero::model
