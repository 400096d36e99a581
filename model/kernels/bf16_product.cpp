// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_product.hpp"

#include <algorithm>
#include <array>
#include <cstring>
#include <immintrin.h>
#include <utility>

#include "model/kernels/avx512_bf16.hpp"
#include "model/kernels/bf16_packing.hpp"

namespace nodezero::model {
namespace {

using Index = std::int64_t;

/// Terms of a sum between two visits of c: a panel of them (256 KiB) stays in the second-level
/// cache.
constexpr Index most_terms = 2048;

/// Rows of a tile: with four registers a row, its sums, the factors at hand and no more fit
/// into the 32 registers.
constexpr Index tile_rows = 6;

/// Pairs of the left factor, where one pair is 32 bits.
struct Pairs {
  const Bf16* data;
  Index row_step;   ///< values from a row to the next
  Index pair_step;  ///< values from a pair of terms to the next
};

struct Tile {
  float* c;
  Index c_stride;
  Index last_columns;  ///< of the last register of a row
  bool accumulate;
};

template <Index rows, Index registers>
NODEZERO_AVX512_BF16 void multiply_tile(Index pairs, const Pairs& a, const Bf16* panel,
                                        const Tile& tile) {
  __m512 sums[rows][registers];
#pragma GCC unroll 6
  for (Index r = 0; r < rows; ++r) {
#pragma GCC unroll 4
    for (Index v = 0; v < registers; ++v) {
      sums[r][v] = _mm512_setzero_ps();
    }
  }
  const Bf16* from = a.data;
  for (Index pair = 0; pair < pairs; ++pair) {
    __m512bh b[registers];
#pragma GCC unroll 4
    for (Index v = 0; v < registers; ++v) {
      b[v] = (__m512bh)_mm512_loadu_si512(panel + 32 * v);
    }
#pragma GCC unroll 6
    for (Index r = 0; r < rows; ++r) {
      std::int32_t bits;
      std::memcpy(&bits, from + r * a.row_step, sizeof bits);
      const auto left = (__m512bh)_mm512_set1_epi32(bits);
#pragma GCC unroll 4
      for (Index v = 0; v < registers; ++v) {
        sums[r][v] = _mm512_dpbf16_ps(sums[r][v], left, b[v]);
      }
    }
    panel += 32 * registers;
    from += a.pair_step;
  }
  float* c = tile.c;
#pragma GCC unroll 6
  for (Index r = 0; r < rows; ++r, c += tile.c_stride) {
#pragma GCC unroll 4
    for (Index v = 0; v < registers; ++v) {
      const __mmask16 mask = v + 1 < registers ? __mmask16{0xFFFF} : first_lanes(tile.last_columns);
      const __m512 before =
          tile.accumulate ? _mm512_maskz_loadu_ps(mask, c + 16 * v) : _mm512_setzero_ps();
      _mm512_mask_storeu_ps(c + 16 * v, mask, _mm512_add_ps(before, sums[r][v]));
    }
  }
}

using TileFunction = void (*)(Index, const Pairs&, const Bf16*, const Tile&);

template <std::size_t... sizes>
constexpr std::array<TileFunction, sizeof...(sizes)> tile_functions(std::index_sequence<sizes...>) {
  return {multiply_tile<static_cast<Index>(sizes / 4 + 1), static_cast<Index>(sizes % 4 + 1)>...};
}

constexpr auto tiles = tile_functions(std::make_index_sequence<tile_rows * 4>());

/// Rows [0, m) of c times one packed panel of n <= 64 columns.
void multiply_panel(Index m, Index n, Index k, Pairs a, const Bf16* panel, float* c, Index c_stride,
                    bool accumulate) {
  const Index registers = (n + 15) / 16;
  const Index count = (m + tile_rows - 1) / tile_rows;
  Index row = 0;
  for (Index i = 0; i < count; ++i) {
    // Tiles of nearly equal size: a last one of one or two rows would wait for its own sums.
    const Index rows = m * (i + 1) / count - row;
    tiles[static_cast<std::size_t>((rows - 1) * 4 + registers - 1)](
        (k + 1) / 2, {a.data + row * a.row_step, a.row_step, a.pair_step}, panel,
        {c + row * c_stride, c_stride, n - 16 * (registers - 1), accumulate});
    row += rows;
  }
}

/// The part of b from row k0 and column n0 on.
template <class View>
View part(const View& b, Index k0, Index n0) {
  return {b.data + (b.transposed ? n0 * b.stride + k0 : k0 * b.stride + n0), b.stride,
          b.transposed};
}

Index panel_size(Index k) {
  return (k + 1) / 2 * 2 * panel_columns;
}

/// a as stored: a panel of b is packed and used for all rows before the next.
template <class View>
void multiply_rows(Index m, Index n, Index k, Bf16View a, const View& b, float* c, Index c_stride,
                   bool accumulate, Bf16* scratch) {
  for (Index n0 = 0; n0 < n; n0 += panel_columns) {
    const Index columns = std::min(panel_columns, n - n0);
    pack_panel(k, columns, part(b, 0, n0), scratch);
    multiply_panel(m, columns, k, {a.data, a.stride, 2}, scratch, c + n0, c_stride, accumulate);
  }
}

/// a transposed: all of b is packed first, and then each block of columns of a once.
template <class View>
void multiply_columns(Index m, Index n, Index k, Bf16View a, const View& b, float* c,
                      Index c_stride, bool accumulate, Bf16* scratch) {
  Bf16* end = scratch;
  for (Index n0 = 0; n0 < n; n0 += panel_columns, end += panel_size(k)) {
    pack_panel(k, std::min(panel_columns, n - n0), part(b, 0, n0), end);
  }
  for (Index m0 = 0; m0 < m; m0 += block_columns) {
    const Index rows = std::min(block_columns, m - m0);
    const Index pair_step = (rows + 15) / 16 * 32;
    pack_panel(k, rows, Bf16View{a.data + m0, a.stride}, end);
    const Bf16* panel = scratch;
    for (Index n0 = 0; n0 < n; n0 += panel_columns, panel += panel_size(k)) {
      multiply_panel(rows, std::min(panel_columns, n - n0), k, {end, 2, pair_step}, panel,
                     c + m0 * c_stride + n0, c_stride, accumulate);
    }
  }
}

template <class View>
void multiply_any(Index m, Index n, Index k, Bf16View a, const View& b, float* c, Index c_stride,
                  bool accumulate, Bf16* scratch) {
  for (Index k0 = 0; k0 < k; k0 += most_terms) {
    const Index terms = std::min(most_terms, k - k0);
    const View b_part = part(b, k0, 0);
    if (a.transposed) {
      multiply_columns(m, n, terms, {a.data + k0 * a.stride, a.stride}, b_part, c, c_stride,
                       accumulate, scratch);
    } else {
      multiply_rows(m, n, terms, {a.data + k0, a.stride}, b_part, c, c_stride, accumulate, scratch);
    }
    accumulate = true;
  }
}

}  // namespace

std::size_t bf16_product_scratch(std::int64_t most_n, std::int64_t most_k) {
  const Index k = std::min(most_k, most_terms);
  const Index panels = (most_n + panel_columns - 1) / panel_columns;
  return static_cast<std::size_t>((panels + 1) * panel_size(k));
}

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Bf16View a, MatrixView b, float* c,
              std::int64_t c_stride, bool accumulate, Bf16* scratch) {
  multiply_any(m, n, k, a, b, c, c_stride, accumulate, scratch);
}

void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Bf16View a, Bf16View b, float* c,
              std::int64_t c_stride, bool accumulate, Bf16* scratch) {
  multiply_any(m, n, k, a, b, c, c_stride, accumulate, scratch);
}

}  // namespace nodezero::model
