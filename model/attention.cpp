#include "model/attention.hpp"

#include <algorithm>
#include <cmath>
#include <limits>

#include "model/matrix_product.hpp"
#include "model/vector_math.hpp"

namespace nodezero::model {
namespace {

/// Queries in a block. A block looks at no key behind its last query, which saves nearly
/// half of the work at long contexts.
constexpr std::int64_t query_block = 64;

/// Rows are worked on in whole groups of this many values, a vector register, so that the
/// compiler's code for a rest of a row is never run. Rows of tiles have room for it.
constexpr std::int64_t group = 16;

std::int64_t round_up(std::int64_t value, std::int64_t unit) {
  return (value + unit - 1) / unit * unit;
}

std::int64_t tile_stride(const AttentionShape& shape) {
  return round_up(shape.context, group);
}

/// Turns scores [0, count) of one query into probabilities; returns the logarithm of the sum
/// of exponentials of the scaled scores. Overwrites what lies between count and the end of
/// its last group of 16.
float softmax_row(std::int64_t count, float scale, float* scores) {
  const std::int64_t padded = round_up(count, group);
  std::fill(scores + count, scores + padded, -std::numeric_limits<float>::infinity());
  float largest = -std::numeric_limits<float>::infinity();
#pragma omp simd reduction(max : largest)
  for (std::int64_t u = 0; u < padded; ++u) {
    largest = scores[u] > largest ? scores[u] : largest;
  }
  // The exponential of a padded score is about 1e-38, too little to change a bit of a sum
  // that holds e^0.
  float sum = 0;
#pragma omp simd reduction(+ : sum)
  for (std::int64_t u = 0; u < padded; ++u) {
    const float e = fast_exp((scores[u] - largest) * scale);
    scores[u] = e;
    sum += e;
  }
  const float reciprocal = 1.0f / sum;
#pragma omp simd
  for (std::int64_t u = 0; u < padded; ++u) {
    scores[u] *= reciprocal;
  }
  return largest * scale + std::log(sum);
}

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

/// For one query: p = exp(score - log sum), and with m the dropout scales and expected =
/// sum of p m d_p, writes m p over the scores and p (m d_p - expected) / sqrt(D) over d_p.
/// What lies between count and the end of its last group becomes meaningless.
void softmax_backward_row(std::int64_t count, float scale, float log_sum, float expected,
                          const float* m, float* scores, float* d_p) {
  const std::int64_t padded = round_up(count, group);
#pragma omp simd
  for (std::int64_t u = 0; u < padded; ++u) {
    const float p = fast_exp(scores[u] * scale - log_sum);
    scores[u] = p * m[u];
    d_p[u] = p * (d_p[u] * m[u] - expected) * scale;
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
      float expected = 0;
#pragma omp simd reduction(+ : expected)
      for (std::int64_t d = 0; d < D; ++d) {
        expected += d_y[t * view.width + d] * y[t * view.width + d];
      }
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
