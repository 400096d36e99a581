// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_attention.hpp"

#include <algorithm>
#include <cassert>
#include <cmath>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {
namespace {

/// Tiles of scores are rounded in place, so a row has room for whole cache lines of bf16.
Index scores_stride(const AttentionShape& shape) {
  return round_up(shape.context, 32);
}

std::size_t product_scratch(const AttentionShape& shape) {
  return bf16_product_scratch(shape.head_width,
                              std::max({shape.head_width, shape.context, query_block}));
}

/// The scratch of one block of queries.
struct Tiles {
  Tiles(const AttentionShape& shape, Vector scratch)
      : scores(scratch.data(), query_block, scores_stride(shape)),
        d_scores(scores.data() + scores.size(), query_block, scores_stride(shape)),
        dropout(d_scores.data() + d_scores.size(), scores_stride(shape)),
        channels(dropout.data() + dropout.size(), shape.head_width),
        products(reinterpret_cast<Bf16*>(channels.data() + round_up(shape.head_width, 16)),
                 static_cast<Index>(product_scratch(shape))) {
    assert(scratch.size() >= static_cast<Index>(bf16_attention_scratch(shape)));
  }

  Matrix scores, d_scores;  ///< [query_block, T], rows with room to be rounded in place
  Vector dropout;           ///< scales of one query, as long as such a row
  Vector channels;          ///< [D]
  Bf16Vector products;
};

/// Zeros the scores [seen, N) that a query must not see and rounds all of them, into their own
/// place.
void round_scores(Index seen, Vector scores, Bf16Vector rounded) {
  scores.tail(scores.size() - seen).setZero();
  round_row(scores, rounded);
}

void attend(const AttentionShape& shape, const Head& head, ConstBf16Matrix qkv,
            const DropoutMask& mask, Matrix attended, Matrix log_sums, Tiles tiles) {
  const ConstBf16Matrix q = head.part(qkv, 0), k = head.part(qkv, 1), v = head.part(qkv, 2);
  Matrix y = head.part(attended);
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.head_width));
  for (Index index = 0; index < query_blocks(shape); ++index) {
    const QueryBlock block(shape, index);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys);
    Bf16Matrix narrow_p = rounded_in_place(p);
    multiply(q.middleRows(block.first, block.rows), k.topRows(block.keys).transpose(), p,
             tiles.products);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      log_sums(head.row(), t) = softmax_row(t + 1, scale, tiles.scores.row(row));
      mask.apply_to_row(head.mask_row(t), p.row(row).head(t + 1));
      round_scores(t + 1, p.row(row), narrow_p.row(row));
    }
    multiply(narrow_p, v.topRows(block.keys), y.middleRows(block.first, block.rows),
             tiles.products);
  }
}

void attend_backward(const AttentionShape& shape, const Head& head, const Bf16AttentionInputs& in,
                     const DropoutMask& mask, Matrix d_qkv, Tiles tiles) {
  const ConstBf16Matrix q = head.part(in.qkv, 0), k = head.part(in.qkv, 1),
                        v = head.part(in.qkv, 2);
  const ConstBf16Matrix y = head.part(in.attended), d_y = head.part(in.d_attended_bf16);
  const ConstMatrix exact_d_y = head.part(in.d_attended);
  Matrix d_q = head.part(d_qkv, 0), d_k = head.part(d_qkv, 1), d_v = head.part(d_qkv, 2);
  const float scale = 1.0f / std::sqrt(static_cast<float>(shape.head_width));
  tiles.dropout.setOnes();
  // From the last block to the first: the last one sees every key and so can overwrite d_k
  // and d_v, to which the others add.
  const Index last = query_blocks(shape) - 1;
  for (Index index = last; index >= 0; --index) {
    const QueryBlock block(shape, index);
    const ConstBf16Matrix q_block = q.middleRows(block.first, block.rows),
                          d_y_block = d_y.middleRows(block.first, block.rows),
                          k_seen = k.topRows(block.keys), v_seen = v.topRows(block.keys);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys),
           d_p = tiles.d_scores.topLeftCorner(block.rows, block.keys);
    Bf16Matrix narrow_p = rounded_in_place(p), d_s = rounded_in_place(d_p);
    multiply(q_block, k_seen.transpose(), p, tiles.products);
    multiply(d_y_block, v_seen.transpose(), d_p, tiles.products);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      if (mask.active()) {
        mask.row_scales(head.mask_row(t), tiles.dropout.head(t + 1));
      }
      widen_row(y.row(t), tiles.channels);
      const float expected = inner_product(exact_d_y.row(t), tiles.channels);
      softmax_backward_row(t + 1, scale, in.log_sums(head.row(), t), expected, tiles.dropout,
                           tiles.scores.row(row), tiles.d_scores.row(row));
      round_scores(t + 1, p.row(row), narrow_p.row(row));
      round_scores(t + 1, d_p.row(row), d_s.row(row));
    }
    multiply(d_s, k_seen, d_q.middleRows(block.first, block.rows), tiles.products);
    multiply(d_s.transpose(), q_block, d_k.topRows(block.keys), tiles.products, index != last);
    multiply(narrow_p.transpose(), d_y_block, d_v.topRows(block.keys), tiles.products,
             index != last);
  }
}

}  // namespace

std::size_t bf16_attention_scratch(const AttentionShape& shape) {
  const Index floats =
      (2 * query_block + 1) * scores_stride(shape) + round_up(shape.head_width, 16);
  return static_cast<std::size_t>(floats) + (product_scratch(shape) + 1) / 2;
}

void attention(const AttentionShape& shape, ConstBf16Matrix qkv, const DropoutMask& mask,
               Matrix attended, Matrix log_sums, Vector scratch) {
  assert(qkv.rows() == shape.sequences * shape.context && qkv.cols() == 3 * attended.cols());
  assert(attended.rows() == qkv.rows() && attended.cols() == shape.heads * shape.head_width);
  for_each_head(shape, [&](const Head& head) {
    attend(shape, head, qkv, mask, attended, log_sums, Tiles(shape, scratch));
  });
}

void attention_backward(const AttentionShape& shape, const Bf16AttentionInputs& inputs,
                        const DropoutMask& mask, Matrix d_qkv, Vector scratch) {
  assert(same_shape(d_qkv, inputs.qkv));
  assert(d_qkv.rows() == shape.sequences * shape.context &&
         d_qkv.cols() == 3 * shape.heads * shape.head_width);
  for_each_head(shape, [&](const Head& head) {
    attend_backward(shape, head, inputs, mask, d_qkv, Tiles(shape, scratch));
  });
}

}  // namespace nodezero::model
