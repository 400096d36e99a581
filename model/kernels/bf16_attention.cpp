// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_attention.hpp"

#include <algorithm>
#include <cassert>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {
namespace {

/// Tiles of scores are rounded in place, so a row has room for whole cache lines of bf16.
Index scores_stride(const AttentionShape& shape) {
  return round_up(shape.context, 32);
}

Index scratch_of_products(const AttentionShape& shape) {
  const Index most = std::max({shape.head_width, shape.context, query_block});
  return product_scratch(most, most, most);
}

/// The scratch of one block of queries.
struct Tiles {
  Tiles(const AttentionShape& shape, Precision precision, Vector scratch)
      : scores(scratch.data(), query_block, scores_stride(shape)),
        d_scores(scores.data() + scores.size(), query_block, scores_stride(shape)),
        dropout(d_scores.data() + d_scores.size(), scores_stride(shape)),
        channels(dropout.data() + dropout.size(), shape.head_width),
        products(precision, Vector(channels.data() + round_up(shape.head_width, 16),
                                   scratch_of_products(shape))) {
    assert(scratch.size() >= static_cast<Index>(bf16_attention_scratch(shape)));
  }

  Matrix scores, d_scores;  ///< [query_block, T], rows with room to be rounded in place
  Vector dropout;           ///< scales of one query, as long as such a row
  Vector channels;          ///< [D]
  Bf16Products products;
};

/// y = p v for queries from `first` on, of which each sees the keys up to itself: p [rows, keys],
/// v [keys, D], y [rows, D]. Zeros stand behind the mask in p.
void multiply_masked(Index first, ConstBf16Matrix p, ConstBf16Matrix v, Matrix y,
                     const Bf16Products& products) {
  products.multiply(p, v, y);
  for (Index row = 0; row < y.rows(); ++row) {
    if (!end_at_mask(y.row(row))) {
      const Index seen = first + row + 1;
      products.multiply(p.block(row, 0, 1, seen), v.topRows(seen), y.middleRows(row, 1));
      end_at_mask(y.row(row));
    }
  }
}

/// Zeros the scores [seen, N) that a query must not see and rounds all of them, into their own
/// place.
void round_scores(Index seen, Vector scores, Bf16Vector rounded) {
  scores.tail(scores.size() - seen).setZero();
  round_row(scores, rounded);
}

void attend(const AttentionShape& shape, float scale, const Head& head, ConstBf16Matrix qkv,
            const DropoutMask& mask, Matrix attended, Matrix log_sums, Tiles tiles) {
  const ConstBf16Matrix q = head.part(qkv, 0), k = head.part(qkv, 1), v = head.part(qkv, 2);
  Matrix y = head.part(attended);
  for (Index index = 0; index < query_blocks(shape); ++index) {
    const QueryBlock block(shape, index);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys);
    Bf16Matrix narrow_p = rounded_in_place(p);
    tiles.products.multiply(q.middleRows(block.first, block.rows),
                            k.topRows(block.keys).transpose(), p);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      log_sums(head.row(), t) = softmax_row(scale, p.row(row).head(t + 1));
      mask.apply_to_row(head.mask_row(t), p.row(row).head(t + 1));
      round_scores(t + 1, p.row(row), narrow_p.row(row));
    }
    multiply_masked(block.first, narrow_p, v.topRows(block.keys),
                    y.middleRows(block.first, block.rows), tiles.products);
  }
}

void attend_backward(const AttentionShape& shape, float scale, const Head& head,
                     const Bf16AttentionInputs& in, const DropoutMask& mask, Matrix d_qkv,
                     Tiles tiles) {
  const ConstBf16Matrix q = head.part(in.qkv, 0), k = head.part(in.qkv, 1),
                        v = head.part(in.qkv, 2);
  const ConstBf16Matrix y = head.part(in.attended), d_y = head.part(in.d_attended_bf16);
  const ConstMatrix exact_d_y = head.part(in.d_attended);
  Matrix d_q = head.part(d_qkv, 0), d_k = head.part(d_qkv, 1), d_v = head.part(d_qkv, 2);
  tiles.dropout.setOnes();
  // Every block adds to what the keys that it sees have from the blocks before it.
  d_k.setZero();
  d_v.setZero();
  for (Index index = 0; index < query_blocks(shape); ++index) {
    const QueryBlock block(shape, index);
    const ConstBf16Matrix q_block = q.middleRows(block.first, block.rows),
                          d_y_block = d_y.middleRows(block.first, block.rows),
                          k_seen = k.topRows(block.keys), v_seen = v.topRows(block.keys);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys),
           d_p = tiles.d_scores.topLeftCorner(block.rows, block.keys);
    Bf16Matrix narrow_p = rounded_in_place(p), d_s = rounded_in_place(d_p);
    tiles.products.multiply(q_block, k_seen.transpose(), p);
    tiles.products.multiply(d_y_block, v_seen.transpose(), d_p);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      if (mask.active()) {
        mask.row_scales(head.mask_row(t), tiles.dropout.head(t + 1));
      }
      widen_row(y.row(t), tiles.channels);
      const float expected = inner_product(exact_d_y.row(t), tiles.channels);
      softmax_backward_row(scale, in.log_sums(head.row(), t), expected, tiles.dropout,
                           p.row(row).head(t + 1), d_p.row(row).head(t + 1));
      round_scores(t + 1, p.row(row), narrow_p.row(row));
      round_scores(t + 1, d_p.row(row), d_s.row(row));
    }
    multiply_masked(block.first, d_s, k_seen, d_q.middleRows(block.first, block.rows),
                    tiles.products);
    tiles.products.multiply(d_s.transpose(), q_block, d_k.topRows(block.keys), true);
    tiles.products.multiply(narrow_p.transpose(), d_y_block, d_v.topRows(block.keys), true);
  }
}

}  // namespace

std::size_t bf16_attention_scratch(const AttentionShape& shape) {
  const Index floats =
      (2 * query_block + 1) * scores_stride(shape) + round_up(shape.head_width, 16);
  return static_cast<std::size_t>(floats + scratch_of_products(shape));
}

void attention(const AttentionShape& shape, float scale, Precision precision, ConstBf16Matrix qkv,
               const DropoutMask& mask, Matrix attended, Matrix log_sums, Vector scratch) {
  assert(qkv.rows() == shape.sequences * shape.context && qkv.cols() == 3 * attended.cols());
  assert(attended.rows() == qkv.rows() && attended.cols() == shape.heads * shape.head_width);
  for_each_head(shape, [&](const Head& head) {
    attend(shape, scale, head, qkv, mask, attended, log_sums, Tiles(shape, precision, scratch));
  });
}

void attention_backward(const AttentionShape& shape, float scale, Precision precision,
                        const Bf16AttentionInputs& inputs, const DropoutMask& mask, Matrix d_qkv,
                        Vector scratch) {
  assert(same_shape(d_qkv, inputs.qkv));
  assert(d_qkv.rows() == shape.sequences * shape.context &&
         d_qkv.cols() == 3 * shape.heads * shape.head_width);
  for_each_head(shape, [&](const Head& head) {
    attend_backward(shape, scale, head, inputs, mask, d_qkv, Tiles(shape, precision, scratch));
  });
}

}  // namespace nodezero::model
