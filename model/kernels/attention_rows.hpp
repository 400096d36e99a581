// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>

#include "model/kernels/attention.hpp"

namespace nodezero::model {

// What attention shares across precisions: how the work is divided, and the softmax of one query.

/// Queries in a block. A block never looks at keys after its last query, which saves nearly half of
/// the work for long contexts.
inline constexpr Index query_block = 64;

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

/// One head of one sequence, and where its part of each matrix lies.
class Head {
 public:
  Head(const AttentionShape& shape, Index sequence, Index head)
      : shape_(shape), sequence_(sequence), head_(head) {}

  /// [T, D]: the part of this head in a matrix [B T, n H D], which holds n matrices side by side.
  template <class Map>
  Map part(Map all, Index index = 0) const {
    const auto& [B, T, H, D] = shape_;
    return all.block(sequence_ * T, (index * H + head_) * D, T, D);
  }

  /// The row of log_sums [B H, T].
  Index row() const { return sequence_ * shape_.heads + head_; }

  /// The row of the dropout mask for query t.
  Index mask_row(Index t) const { return row() * shape_.context + t; }

 private:
  const AttentionShape& shape_;
  Index sequence_, head_;
};

/// Calls function(head) for every head of every sequence.
template <class Function>
void for_each_head(const AttentionShape& shape, Function function) {
  for (Index sequence = 0; sequence < shape.sequences; ++sequence) {
    for (Index head = 0; head < shape.heads; ++head) {
      function(Head(shape, sequence, head));
    }
  }
}

/// Turns the scores of one query into probabilities, and returns the logarithm of the sum of
/// exponentials of the scaled scores: scores [keys].
float softmax_row(float scale, Vector scores);

/// The sum of a[i] b[i]: a, b [N].
float inner_product(ConstVector a, ConstVector b);

/// For the keys of one query: p = exp(score * scale - log_sum), and with m the dropout scales and
/// expected = sum of p m d_p, writes m p over the scores and p (m d_p - expected) scale over d_p.
void softmax_backward_row(float scale, float log_sum, float expected, ConstVector m, Vector scores,
                          Vector d_p);

/// Ends the sums y [D] of one query over the keys that it may see: adds +0, so that the sums are
/// the same with and without terms behind the mask, which are zeros. Returns false if a sum is not
/// finite, as it is if something behind the mask was not a number: then such terms must be left
/// out.
bool end_at_mask(Vector y);

}  // namespace nodezero::model
