// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/attention.hpp"

namespace nodezero::model {

// What the kernels of attention do in every precision: how they divide the work, and the
// softmax of one query.

/// Queries in a block. A block looks at no key behind its last query, which saves nearly
/// half of the work at long contexts.
inline constexpr std::int64_t query_block = 64;

/// Rows are worked on in whole groups of this many values, a vector register, so that the
/// compiler's code for a rest of a row is never run. Rows of tiles have room for it.
inline constexpr std::int64_t group = 16;

inline std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

inline std::int64_t tile_stride(const AttentionShape& shape) {
  return round_up(shape.context, group);
}

/// Turns scores [0, count) of one query into probabilities; returns the logarithm of the sum
/// of exponentials of the scaled scores. Overwrites what lies between count and the end of
/// its last group of 16.
float softmax_row(std::int64_t count, float scale, float* scores);

/// The sum of a[i] b[i] over [0, count).
float inner_product(std::int64_t count, const float* a, const float* b);

/// For one query: p = exp(score - log sum), and with m the dropout scales and expected =
/// sum of p m d_p, writes m p over the scores and p (m d_p - expected) / sqrt(D) over d_p.
/// What lies between count and the end of its last group becomes meaningless.
void softmax_backward_row(std::int64_t count, float scale, float log_sum, float expected,
                          const float* m, float* scores, float* d_p);

}  // namespace nodezero::model
