// SPDX-License-Identifier: BSD-3-Clause

// The kernels of one level, which the build compiles this file for.

#include "model/kernels/levels/activations.hpp"
#if defined(__AMX_BF16__) || defined(NODEZERO_TILE_UNIT)
#define NODEZERO_HAS_TILES
#include "model/kernels/levels/amx_product.hpp"
#endif
#include "model/kernels/levels/elements.hpp"
#include "model/kernels/levels/few_rows.hpp"
#ifdef __AVX512BF16__
#include "model/kernels/levels/pair_terms.hpp"
#endif
#include "model/kernels/levels/product.hpp"
#include "model/kernels/levels/row_product.hpp"
#include "model/kernels/levels/rows.hpp"
#include "model/kernels/levels/tile_product.hpp"

namespace nodezero::model::NODEZERO_LEVEL {
namespace {

void multiply(const FloatFactor& a, const FloatFactor& b, const Product& product) {
  if (are_few_rows(b, product)) {
    multiply_few_rows<Fma>(a, b, product);
  } else {
    multiply_factors<Fp32Terms, PlainTiles<Fma>>(a, b, product);
  }
}

void pack(const FloatFactor& b, Index columns, Index terms, float* to) {
  pack_factor<Fp32Terms>(b, columns, terms, to);
}

void multiply_with_packed(const FloatFactor& a, const float* b, const Product& product) {
  multiply_with_packed_factor<Fp32Terms, PlainTiles<Fma>>(a, b, product);
}

template <class Right>
void multiply_bf16(const HalfFactor& a, const Right& b, const Product& product) {
#if defined(__AVX512BF16__) && !defined(NODEZERO_HAS_TILES)
  multiply_factors<PairTerms, PlainTiles<PairFma>>(a, b, product);
#else  // also beside tiles: processors that have them do less with VDPBF16PS than with fma
  const FlushScope scope;
  multiply_factors<Bf16Terms, PlainTiles<FlushedFma>>(a, b, product);
#endif
}

void multiply_row(const float* x, const FloatFactor& b, Index n, Index k, float* y) {
  multiply_one_row<Fp32Terms, Fma>(x, b, n, k, y);
}

void multiply_row_bf16(const float* x, const HalfFactor& b, Index n, Index k, float* y) {
  const FlushScope scope;
  multiply_one_row<Bf16Terms, FlushedFma>(x, b, n, k, y);
}

template <class Right>
void multiply_bf16_tile(const HalfFactor& a, const Right& b, const Product& product) {
#ifdef NODEZERO_HAS_TILES
  multiply_in_tiles(a, b, product);
#else
  const FlushScope scope;
  multiply_factors<Bf16Terms, SplitTiles>(a, b, product);
#endif
}

void multiply_row_bf16_tile(const float* x, const HalfFactor& b, Index n, Index k, float* y) {
  const FlushScope scope;
  multiply_tile_row(x, b, n, k, y);
}

}  // namespace

extern const KernelTable table;
const KernelTable table{
    .multiply = multiply,
    .pack = pack,
    .multiply_with_packed = multiply_with_packed,
    .multiply_row = multiply_row,
    .bf16 = {multiply_bf16, multiply_bf16, multiply_row_bf16},
    .bf16_tile = {multiply_bf16_tile, multiply_bf16_tile, multiply_row_bf16_tile},
    .layer_norm = layer_norm_row,
    .normalise = normalise_row,
    .layer_norm_backward = layer_norm_backward_row,
    .activations = {{bias_gelu_row, gelu_backward_row},
                    {bias_gelu_exact_row, gelu_exact_backward_row},
                    {bias_relu_row, relu_backward_row}},
    .error_function = error_function_row,
    .tangent = tangent_row,
    .softmax = softmax_row,
    .softmax_backward = softmax_backward_row,
    .inner_product = inner_product,
    .end_at_mask = end_at_mask,
    .negative_log_likelihood = negative_log_likelihood,
    .cross_entropy_backward = cross_entropy_backward,
    .add = add_row,
    .add_rounded = add_rounded,
    .add_to_both = add_to_both,
    .random_words = random_words,
    .dropout_scales = dropout_scales,
    .apply_dropout = apply_dropout,
    .round = round_row,
    .widen = widen_row,
    .adamw_update = adamw_update,
    .squared_norm = squared_norm,
};

}  // namespace nodezero::model::NODEZERO_LEVEL
