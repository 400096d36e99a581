// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/attention.hpp"

#include <algorithm>
#include <cassert>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {
namespace {

Index tile_stride(const AttentionShape& shape) {
  return round_up(shape.context, 16);  // whole cache lines
}

Index scratch_of_products(const AttentionShape& shape) {
  const Index most = std::max({shape.head_width, shape.context, query_block});
  return product_scratch(most, most, most);
}

/// Scratch of one block of queries.
struct Tiles {
  Tiles(const AttentionShape& shape, Vector scratch)
      : scores(scratch.data(), query_block, tile_stride(shape)),
        d_scores(scores.data() + scores.size(), query_block, tile_stride(shape)),
        dropout(d_scores.data() + d_scores.size(), tile_stride(shape)),
        products(dropout.data() + dropout.size(), scratch_of_products(shape)) {
    assert(scratch.size() >= static_cast<Index>(shape.scratch_size()));
  }

  Matrix scores, d_scores;  ///< [query_block, T], rows with gaps up to whole cache lines
  Vector dropout;           ///< scales of one query, as long as such a row
  Vector products;
};

/// y = p v for queries from `first` on, of which each sees the keys up to itself: p [rows, keys],
/// v [keys, D], y [rows, D]. Zeros stand behind the mask in p.
void multiply_masked(Index first, ConstMatrix p, ConstMatrix v, Matrix y, Vector scratch) {
  multiply(p, v, y, scratch);
  for (Index row = 0; row < y.rows(); ++row) {
    if (!end_at_mask(y.row(row))) {
      const Index seen = first + row + 1;
      multiply_row(p.row(row).head(seen), v.topRows(seen), y.row(row));
      end_at_mask(y.row(row));
    }
  }
}

void attend(const AttentionShape& shape, float scale, const Head& head, ConstMatrix qkv,
            const DropoutMask& mask, Matrix attended, Matrix log_sums, Tiles tiles) {
  const ConstMatrix q = head.part(qkv, 0), k = head.part(qkv, 1), v = head.part(qkv, 2);
  Matrix y = head.part(attended);
  for (Index index = 0; index < query_blocks(shape); ++index) {
    const QueryBlock block(shape, index);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys);
    multiply(q.middleRows(block.first, block.rows), k.topRows(block.keys).transpose(), p,
             tiles.products);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      log_sums(head.row(), t) = softmax_row(scale, p.row(row).head(t + 1));
      p.row(row).tail(block.keys - (t + 1)).setZero();
      mask.apply_to_row(head.mask_row(t), p.row(row).head(t + 1));
    }
    multiply_masked(block.first, p, v.topRows(block.keys), y.middleRows(block.first, block.rows),
                    tiles.products);
  }
}

void attend_backward(const AttentionShape& shape, float scale, const Head& head,
                     ConstMatrix d_attended, ConstMatrix qkv, ConstMatrix attended,
                     ConstMatrix log_sums, const DropoutMask& mask, Matrix d_qkv, Tiles tiles) {
  const ConstMatrix q = head.part(qkv, 0), k = head.part(qkv, 1), v = head.part(qkv, 2);
  const ConstMatrix y = head.part(attended), d_y = head.part(d_attended);
  Matrix d_q = head.part(d_qkv, 0), d_k = head.part(d_qkv, 1), d_v = head.part(d_qkv, 2);
  tiles.dropout.setOnes();
  // Every block adds to what the keys that it sees have from the blocks before it.
  d_k.setZero();
  d_v.setZero();
  for (Index index = 0; index < query_blocks(shape); ++index) {
    const QueryBlock block(shape, index);
    const ConstMatrix q_block = q.middleRows(block.first, block.rows),
                      d_y_block = d_y.middleRows(block.first, block.rows),
                      k_seen = k.topRows(block.keys), v_seen = v.topRows(block.keys);
    Matrix p = tiles.scores.topLeftCorner(block.rows, block.keys),
           d_p = tiles.d_scores.topLeftCorner(block.rows, block.keys);
    multiply(q_block, k_seen.transpose(), p, tiles.products);
    multiply(d_y_block, v_seen.transpose(), d_p, tiles.products);
    for (Index row = 0; row < block.rows; ++row) {
      const Index t = block.first + row;
      const float expected = inner_product(d_y.row(t), y.row(t));
      if (mask.active()) {
        mask.row_scales(head.mask_row(t), tiles.dropout.head(t + 1));
      }
      softmax_backward_row(scale, log_sums(head.row(), t), expected, tiles.dropout,
                           p.row(row).head(t + 1), d_p.row(row).head(t + 1));
      p.row(row).tail(block.keys - (t + 1)).setZero();
      d_p.row(row).tail(block.keys - (t + 1)).setZero();
    }
    multiply_masked(block.first, d_p, k_seen, d_q.middleRows(block.first, block.rows),
                    tiles.products);
    multiply(d_p.transpose(), q_block, d_k.topRows(block.keys), tiles.products, true);
    multiply(p.transpose(), d_y_block, d_v.topRows(block.keys), tiles.products, true);
  }
}

}  // namespace

std::size_t AttentionShape::scratch_size() const {
  return static_cast<std::size_t>((2 * query_block + 1) * tile_stride(*this) +
                                  scratch_of_products(*this));
}

void attention(const AttentionShape& shape, float scale, ConstMatrix qkv, const DropoutMask& mask,
               Matrix attended, Matrix log_sums, Vector scratch) {
  assert(qkv.rows() == shape.sequences * shape.context && qkv.cols() == 3 * attended.cols());
  assert(attended.rows() == qkv.rows() && attended.cols() == shape.heads * shape.head_width);
  for_each_head(shape, [&](const Head& head) {
    attend(shape, scale, head, qkv, mask, attended, log_sums, Tiles(shape, scratch));
  });
}

void attention_backward(const AttentionShape& shape, float scale, ConstMatrix d_attended,
                        ConstMatrix qkv, ConstMatrix attended, ConstMatrix log_sums,
                        const DropoutMask& mask, Matrix d_qkv, Vector scratch) {
  assert(qkv.rows() == shape.sequences * shape.context && qkv.cols() == 3 * attended.cols());
  assert(attended.rows() == qkv.rows() && attended.cols() == shape.heads * shape.head_width);
  assert(same_shape(d_qkv, qkv) && same_shape(d_attended, attended));
  for_each_head(shape, [&](const Head& head) {
    attend_backward(shape, scale, head, d_attended, qkv, attended, log_sums, mask, d_qkv,
                    Tiles(shape, scratch));
  });
}

}  // namespace nodezero::model
