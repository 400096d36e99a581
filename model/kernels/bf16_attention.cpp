// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_attention.hpp"

#include <algorithm>
#include <cmath>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {
namespace {

using Index = std::int64_t;

/// Tiles of scores are rounded in place, so a row has room for whole cache lines of bf16.
Index scores_stride(const AttentionShape& shape) {
  return round_up(shape.context, 32);
}

/// The scratch of one head: two tiles, a row of dropout scales, a row of one head's channels
/// and what the products need.
struct Scratch {
  Scratch(const AttentionShape& shape, float* data)
      : stride(scores_stride(shape)),
        tile(data),
        d_tile(tile + query_block * stride),
        scales(d_tile + query_block * stride),
        channels(scales + stride),
        products(reinterpret_cast<Bf16*>(channels + round_up(shape.head_width, 16))) {}

  Bf16View rounded(const float* rows, bool transposed = false) const {
    return {reinterpret_cast<const Bf16*>(rows), 2 * stride, transposed};
  }

  Index stride;
  float* tile;
  float* d_tile;
  float* scales;
  float* channels;
  Bf16* products;
};

/// Zeros what a causal row must not see and rounds it in place.
void round_scores(Index seen, Index keys, float* row) {
  std::fill(row + seen, row + keys, 0.0f);
  round_row(keys, row, reinterpret_cast<Bf16*>(row));
}

/// One sequence and head: where its matrices begin.
struct Head {
  Head(const AttentionShape& shape, Index sequence, Index head)
      : width(shape.heads * shape.head_width),
        stride(bf16_stride(3 * width)),
        first_token(sequence * shape.context),
        column(head * shape.head_width),
        first_row((sequence * shape.heads + head) * shape.context) {}

  Bf16View qkv(const Bf16* data, Index which, Index token, bool transposed = false) const {
    return {data + (first_token + token) * stride + which * width + column, stride, transposed};
  }

  Index width, stride, first_token, column;
  Index first_row;  ///< in log_sums and in the dropout mask
};

void attend(const AttentionShape& shape, const Head& at, const Bf16* qkv, const DropoutMask& mask,
            float* attended, float* log_sums, const Scratch& s) {
  const Index D = shape.head_width;
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  for (Index first = 0; first < shape.context; first += query_block) {
    const Index rows = std::min(query_block, shape.context - first);
    const Index keys = first + rows;
    multiply(rows, keys, D, at.qkv(qkv, 0, first), at.qkv(qkv, 1, 0, true), s.tile, s.stride, false,
             s.products);
    for (Index row = 0; row < rows; ++row) {
      const Index t = first + row;
      float* const scores = s.tile + row * s.stride;
      log_sums[at.first_row + t] = softmax_row(t + 1, scale, scores);
      mask.apply_to_row(at.first_row + t, t + 1, scores);
      round_scores(t + 1, keys, scores);
    }
    multiply(rows, D, keys, s.rounded(s.tile), at.qkv(qkv, 2, 0),
             attended + (at.first_token + first) * at.width + at.column, at.width, false,
             s.products);
  }
}

/// The sum over one head's channels of attended times its derivative.
float expected_of(const AttentionShape& shape, const Head& at, const Bf16AttentionInputs& in,
                  Index t, float* channels) {
  const Index D = shape.head_width;
  const Index token = at.first_token + t;
  widen_row(D, in.attended + token * bf16_stride(at.width) + at.column, channels);
  const float* const d_y = in.d_attended + token * at.width + at.column;
  return inner_product(D, d_y, channels);
}

void attend_backward(const AttentionShape& shape, const Head& at, const Bf16AttentionInputs& in,
                     const DropoutMask& mask, float* d_qkv, const Scratch& s) {
  const Index D = shape.head_width;
  const Index d_stride = 3 * at.width;
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  float* const d_q = d_qkv + at.first_token * d_stride + at.column;
  float* const d_k = d_q + at.width;
  float* const d_v = d_k + at.width;
  const Index y_stride = bf16_stride(at.width);

  std::fill_n(s.scales, s.stride, 1.0f);
  // From the last block to the first: the last one sees every key and so can overwrite d_k
  // and d_v, to which the others add.
  const Index last_block = (shape.context - 1) / query_block;
  for (Index block = last_block; block >= 0; --block) {
    const Index first = block * query_block;
    const Index rows = std::min(query_block, shape.context - first);
    const Index keys = first + rows;
    const bool accumulate = block != last_block;
    const Bf16View d_y{in.d_attended_bf16 + (at.first_token + first) * y_stride + at.column,
                       y_stride};
    multiply(rows, keys, D, at.qkv(in.qkv, 0, first), at.qkv(in.qkv, 1, 0, true), s.tile, s.stride,
             false, s.products);
    multiply(rows, keys, D, d_y, at.qkv(in.qkv, 2, 0, true), s.d_tile, s.stride, false, s.products);
    for (Index row = 0; row < rows; ++row) {
      const Index t = first + row;
      if (mask.active()) {
        mask.row_scales(at.first_row + t, t + 1, s.scales);
      }
      float* const scores = s.tile + row * s.stride;
      float* const d_scores = s.d_tile + row * s.stride;
      softmax_backward_row(t + 1, scale, in.log_sums[at.first_row + t],
                           expected_of(shape, at, in, t, s.channels), s.scales, scores, d_scores);
      round_scores(t + 1, keys, scores);
      round_scores(t + 1, keys, d_scores);
    }
    multiply(rows, D, keys, s.rounded(s.d_tile), at.qkv(in.qkv, 1, 0), d_q + first * d_stride,
             d_stride, false, s.products);
    multiply(keys, D, rows, s.rounded(s.d_tile, true), at.qkv(in.qkv, 0, first), d_k, d_stride,
             accumulate, s.products);
    multiply(keys, D, rows, s.rounded(s.tile, true), d_y, d_v, d_stride, accumulate, s.products);
  }
}

}  // namespace

std::size_t bf16_attention_scratch(const AttentionShape& shape) {
  const Index floats =
      (2 * query_block + 1) * scores_stride(shape) + round_up(shape.head_width, 16);
  const std::size_t products = bf16_product_scratch(
      shape.head_width, std::max({shape.head_width, shape.context, query_block}));
  return static_cast<std::size_t>(floats) + (products + 1) / 2;
}

void attention(const AttentionShape& shape, const Bf16* qkv, const DropoutMask& mask,
               float* attended, float* log_sums, float* scratch) {
  for (Index sequence = 0; sequence < shape.sequences; ++sequence) {
    for (Index head = 0; head < shape.heads; ++head) {
      attend(shape, Head(shape, sequence, head), qkv, mask, attended, log_sums,
             Scratch(shape, scratch));
    }
  }
}

void attention_backward(const AttentionShape& shape, const Bf16AttentionInputs& inputs,
                        const DropoutMask& mask, float* d_qkv, float* scratch) {
  for (Index sequence = 0; sequence < shape.sequences; ++sequence) {
    for (Index head = 0; head < shape.heads; ++head) {
      attend_backward(shape, Head(shape, sequence, head), inputs, mask, d_qkv,
                      Scratch(shape, scratch));
    }
  }
}

}  // namespace nodezero::model
