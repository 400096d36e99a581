// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/attention.hpp"

#include <algorithm>
#include <cmath>

#include "model/kernels/attention_rows.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {
namespace {

/// Pointers into the row-major matrices for one sequence and head.
struct HeadView {
  HeadView(const AttentionShape& shape, std::int64_t sequence, std::int64_t head)
      : width(shape.heads * shape.head_width),
        qkv_stride(3 * width),
        qkv_offset(sequence * shape.context * qkv_stride + head * shape.head_width),
        attended_offset(sequence * shape.context * width + head * shape.head_width),
        first_row((sequence * shape.heads + head) * shape.context) {}

  std::int64_t width, qkv_stride, qkv_offset, attended_offset;
  std::int64_t first_row;  ///< in log_sums and in the dropout mask
};

void attention_head(const AttentionShape& shape, const HeadView& view, const float* qkv,
                    const DropoutMask& mask, float* attended, float* log_sums, float* tile) {
  const std::int64_t D = shape.head_width, stride = tile_stride(shape);
  const float* const q = qkv + view.qkv_offset;
  const float* const k = q + view.width;
  const float* const v = k + view.width;
  float* const y = attended + view.attended_offset;
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));
  for (std::int64_t first = 0; first < shape.context; first += query_block) {
    const std::int64_t rows = std::min(query_block, shape.context - first);
    const std::int64_t keys = first + rows;
    multiply(rows, keys, D, {q + first * view.qkv_stride, view.qkv_stride},
             {k, view.qkv_stride, true}, tile, stride);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t t = first + row;
      float* const scores = tile + row * stride;
      log_sums[view.first_row + t] = softmax_row(t + 1, scale, scores);
      std::fill(scores + t + 1, scores + round_up(keys, group), 0.0f);
      mask.apply_to_row(view.first_row + t, t + 1, scores);
    }
    multiply(rows, D, keys, {tile, stride}, {v, view.qkv_stride}, y + first * view.width,
             view.width);
  }
}

void attention_backward_head(const AttentionShape& shape, const HeadView& view,
                             const float* d_attended, const float* qkv, const float* attended,
                             const float* log_sums, const DropoutMask& mask, float* d_qkv,
                             float* scratch) {
  const std::int64_t D = shape.head_width, stride = tile_stride(shape);
  const float* const q = qkv + view.qkv_offset;
  const float* const k = q + view.width;
  const float* const v = k + view.width;
  const float* const y = attended + view.attended_offset;
  const float* const d_y = d_attended + view.attended_offset;
  float* const d_q = d_qkv + view.qkv_offset;
  float* const d_k = d_q + view.width;
  float* const d_v = d_k + view.width;
  float* const tile = scratch;
  float* const d_tile = tile + query_block * stride;
  float* const scales = d_tile + query_block * stride;
  const float scale = 1.0f / std::sqrt(static_cast<float>(D));

  std::fill_n(scales, stride, 1.0f);
  // From the last block to the first: the last one sees every key and so can overwrite d_k
  // and d_v, to which the others add.
  const std::int64_t last_block = (shape.context - 1) / query_block;
  for (std::int64_t block = last_block; block >= 0; --block) {
    const std::int64_t first = block * query_block;
    const std::int64_t rows = std::min(query_block, shape.context - first);
    const std::int64_t keys = first + rows;
    const bool accumulate = block != last_block;
    const MatrixView q_block{q + first * view.qkv_stride, view.qkv_stride};
    const MatrixView d_y_block{d_y + first * view.width, view.width};
    multiply(rows, keys, D, q_block, {k, view.qkv_stride, true}, tile, stride);
    multiply(rows, keys, D, d_y_block, {v, view.qkv_stride, true}, d_tile, stride);
    for (std::int64_t row = 0; row < rows; ++row) {
      const std::int64_t t = first + row;
      const float expected = inner_product(D, d_y + t * view.width, y + t * view.width);
      if (mask.active()) {
        mask.row_scales(view.first_row + t, t + 1, scales);
      }
      float* const scores = tile + row * stride;
      float* const d_scores = d_tile + row * stride;
      softmax_backward_row(t + 1, scale, log_sums[view.first_row + t], expected, scales, scores,
                           d_scores);
      std::fill(scores + t + 1, scores + round_up(keys, group), 0.0f);
      std::fill(d_scores + t + 1, d_scores + round_up(keys, group), 0.0f);
    }
    multiply(rows, D, keys, {d_tile, stride}, {k, view.qkv_stride}, d_q + first * view.qkv_stride,
             view.qkv_stride);
    multiply(keys, D, rows, {d_tile, stride, true}, q_block, d_k, view.qkv_stride, accumulate);
    multiply(keys, D, rows, {tile, stride, true}, d_y_block, d_v, view.qkv_stride, accumulate);
  }
}

}  // namespace

std::size_t AttentionShape::scratch_size() const {
  return static_cast<std::size_t>((2 * query_block + 1) * tile_stride(*this));
}

void attention(const AttentionShape& shape, const float* qkv, const DropoutMask& mask,
               float* attended, float* log_sums, float* scratch) {
  for (std::int64_t sequence = 0; sequence < shape.sequences; ++sequence) {
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      attention_head(shape, HeadView(shape, sequence, head), qkv, mask, attended, log_sums,
                     scratch);
    }
  }
}

void attention_backward(const AttentionShape& shape, const float* d_attended, const float* qkv,
                        const float* attended, const float* log_sums, const DropoutMask& mask,
                        float* d_qkv, float* scratch) {
  for (std::int64_t sequence = 0; sequence < shape.sequences; ++sequence) {
    for (std::int64_t head = 0; head < shape.heads; ++head) {
      attention_backward_head(shape, HeadView(shape, sequence, head), d_attended, qkv, attended,
                              log_sums, mask, d_qkv, scratch);
    }
  }
}

}  // namespace nodezero::model
