// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

/// The kernels as they exist for each level of processors: plain pointers and sizes, because the
/// files that hold them may not include what a linker could mix up between levels. The functions of
/// this room with matrices in their signatures call these; all levels compute the same bits.
namespace nodezero::model {

/// A factor of a product in memory. A *line* is a row of the left factor or a column of the right
/// one: its term k lies at data[line * line_step + k * term_step], and one of the steps is 1.
template <class Value>
struct Factor {
  const Value* data;
  std::ptrdiff_t line_step, term_step;

  [[gnu::always_inline]] const Value* at(std::ptrdiff_t line, std::ptrdiff_t term) const {
    return data + line * line_step + term * term_step;
  }
  [[gnu::always_inline]] Factor from(std::ptrdiff_t line, std::ptrdiff_t term) const {
    return {at(line, term), line_step, term_step};
  }
};
using FloatFactor = Factor<float>;
using HalfFactor = Factor<std::uint16_t>;

/// c [rows, columns] = (or +=) the sums of `terms` products.
struct Product {
  std::ptrdiff_t rows, columns, terms;
  float* c;
  std::ptrdiff_t stride;
  bool accumulate;
  float* scratch;  ///< product_scratch_size floats on a 64-byte boundary
};

/// Products with factors rounded to bf16, which are rounded on the way if they are floats.
struct HalfProducts {
  void (*multiply)(const HalfFactor& a, const FloatFactor& b, const Product&);
  void (*multiply_halves)(const HalfFactor& a, const HalfFactor& b, const Product&);
  /// y [n] = x [k] times b, where the values of x are rounded.
  void (*multiply_row)(const float* x, const HalfFactor& b, std::ptrdiff_t n, std::ptrdiff_t k,
                       float* y);
};

struct Dropout {
  std::uint32_t key[2], prefix[2];  ///< of KeyedRandom
  std::uint32_t threshold;          ///< words below this drop the value
  float keep;                       ///< what the others are multiplied by
};

/// The constants of one update in the precision of the weights:
/// m <- beta1 m + (1 - beta1) g,  v <- beta2 v + (1 - beta2) g^2,
/// w <- keep w - step_size m / (sqrt(v) / sqrt(1 - beta2^step) + epsilon).
struct AdamwStep {
  float gradient_scale;
  float beta1, one_minus_beta1;
  float beta2, one_minus_beta2;
  float step_size;                 ///< learning rate / (1 - beta1^step)
  float inverse_root_correction2;  ///< 1 / sqrt(1 - beta2^step)
  float epsilon;
  float keep;
};

/// An activation of the MLP over one row: levels/activations.hpp.
struct ActivationKernels {
  void (*forward)(std::ptrdiff_t width, const float* bias, float* x, float* y);
  void (*backward)(std::ptrdiff_t width, const float* x, float* d, float* y, float* d_bias);
};

struct KernelTable {
  using Index = std::ptrdiff_t;

  // Products.
  void (*multiply)(const FloatFactor& a, const FloatFactor& b, const Product&);
  /// Copies a right factor in the order in which this level reads it, to packed_floats() floats on
  /// a 64-byte boundary.
  void (*pack)(const FloatFactor& b, Index columns, Index terms, float* to);
  void (*multiply_with_packed)(const FloatFactor& a, const float* b, const Product&);
  void (*multiply_row)(const float* x, const FloatFactor& b, Index n, Index k, float* y);
  HalfProducts bf16, bf16_tile;

  // One row: rows.hpp.
  void (*layer_norm)(Index width, const float* x, const float* gain, const float* bias,
                     float epsilon, float* y, float* mean, float* reciprocal_deviation);
  void (*normalise)(Index width, const float* x, const float* gain, const float* bias, float mean,
                    float reciprocal_deviation, float* y);
  void (*layer_norm_backward)(Index width, const float* d_y, const float* x, const float* gain,
                              float mean, float reciprocal_deviation, float* d_x, float* d_gain,
                              float* d_bias);
  ActivationKernels activations[3];  ///< by Activation
  void (*error_function)(Index count, const float* x, float* y);
  void (*tangent)(Index count, const float* x, float* y);
  float (*softmax)(Index count, float scale, float* scores);
  void (*softmax_backward)(Index count, float scale, float log_sum, float expected,
                           const float* dropout, float* scores, float* d_p);
  float (*inner_product)(Index count, const float* a, const float* b);
  bool (*end_at_mask)(Index count, float* y);
  double (*negative_log_likelihood)(Index vocabulary, const float* logits, std::int32_t target);
  double (*cross_entropy_backward)(Index vocabulary, float* logits, std::int32_t target);

  // One element: elements.hpp.
  void (*add)(Index count, const float* a, const float* b, float* sum);
  void (*add_rounded)(const std::uint32_t* key, const std::uint32_t* prefix, std::uint64_t first,
                      Index count, const float* addend, float* sum);
  void (*add_to_both)(Index count, const float* x, float* first, float* second);
  void (*random_words)(const std::uint32_t* key, const std::uint32_t* prefix, std::uint64_t first,
                       std::uint32_t* words);
  void (*dropout_scales)(const Dropout& dropout, std::uint64_t first, float* scales);
  void (*apply_dropout)(const Dropout& dropout, std::uint64_t first, Index count, float* values);
  void (*round)(Index count, const float* x, std::uint16_t* y);
  void (*widen)(Index count, const std::uint16_t* x, float* y);
  void (*adamw_update)(const AdamwStep& step, Index count, const float* gradient,
                       const float* weights, float* next, float* first_moment,
                       float* second_moment);
  double (*squared_norm)(Index count, const float* values);
};

}  // namespace nodezero::model
