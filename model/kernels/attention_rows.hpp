// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include "model/kernels/attention.hpp"

namespace nodezero::model {

// What the attention kernels of all precisions share: how they divide the work, and the softmax
// of one query.

/// Queries in a block. A block looks at no key behind its last query, which saves nearly
/// half of the work at long contexts.
inline constexpr Index query_block = 64;

/// Rows of scores are processed in whole groups of this many values, a vector register, so that
/// the compiler's code for the rest of a row never runs. Rows of tiles have room for it.
inline constexpr Index group = 16;

inline Index round_up(Index value, Index unit) {
  return (value + unit - 1) / unit * unit;
}

inline Index query_blocks(const AttentionShape& shape) {
  return (shape.context + query_block - 1) / query_block;
}

/// Queries [first, first + rows) and the keys [0, keys) that they may look at.
struct QueryBlock {
  QueryBlock(const AttentionShape& shape, Index index)
      : first(index * query_block),
        rows(std::min(query_block, shape.context - first)),
        keys(first + rows) {}

  Index first, rows, keys;
};

/// One sequence and head, and where what belongs to it lies.
class Head {
 public:
  Head(const AttentionShape& shape, Index sequence, Index head)
      : shape_(shape), sequence_(sequence), head_(head) {}

  /// [T, D] of a matrix [B T, n H D] that consists of n parts.
  template <class Map>
  Map part(Map all, Index index = 0) const {
    const auto& [B, T, H, D] = shape_;
    return all.block(sequence_ * T, (index * H + head_) * D, T, D);
  }

  /// The row of log_sums [B H, T].
  Index row() const { return sequence_ * shape_.heads + head_; }

  /// The row of the dropout mask that belongs to query t.
  Index mask_row(Index t) const { return row() * shape_.context + t; }

 private:
  const AttentionShape& shape_;
  Index sequence_, head_;
};

/// Calls function(head) for each sequence and head.
template <class Function>
void for_each_head(const AttentionShape& shape, Function function) {
  for (Index sequence = 0; sequence < shape.sequences; ++sequence) {
    for (Index head = 0; head < shape.heads; ++head) {
      function(Head(shape, sequence, head));
    }
  }
}

/// Turns the first `count` scores of one query into probabilities and returns the logarithm of the
/// sum of exponentials of the scaled scores. Overwrites what lies between `count` and the end of
/// its last group.
float softmax_row(Index count, float scale, Vector scores);

/// The sum of a[i] b[i]: a, b [N].
float inner_product(ConstVector a, ConstVector b);

/// For the first `count` keys of one query: p = exp(score * scale - log_sum), and with m the
/// dropout scales and expected = sum of p m d_p, writes m p over the scores and
/// p (m d_p - expected) scale over d_p. What lies between `count` and the end of its last group
/// becomes meaningless.
void softmax_backward_row(Index count, float scale, float log_sum, float expected, ConstVector m,
                          Vector scores, Vector d_p);

}  // namespace nodezero::model
