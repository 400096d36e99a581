// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_product.hpp"

#include <algorithm>
#include <array>
#include <cassert>
#include <cstring>
#include <immintrin.h>
#include <utility>

#include "model/kernels/avx512_bf16.hpp"
#include "model/kernels/bf16_packing.hpp"

namespace nodezero::model {
namespace {

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

/// c = a times one packed panel of c.cols() <= 64 columns and k rows.
void multiply_panel(Index k, Pairs a, const Bf16* panel, Matrix c, bool accumulate) {
  const Index registers = (c.cols() + 15) / 16;
  const Index count = (c.rows() + tile_rows - 1) / tile_rows;
  Index row = 0;
  for (Index i = 0; i < count; ++i) {
    // Tiles of nearly equal size: a last one of one or two rows would wait for its own sums.
    const Index rows = c.rows() * (i + 1) / count - row;
    tiles[static_cast<std::size_t>((rows - 1) * 4 + registers - 1)](
        (k + 1) / 2, {a.data + row * a.row_step, a.row_step, a.pair_step}, panel,
        {c.row(row).data(), c.outerStride(), c.cols() - 16 * (registers - 1), accumulate});
    row += rows;
  }
}

Index panel_size(Index k) {
  return (k + 1) / 2 * 2 * panel_columns;
}

/// A panel of b is packed and used for all rows of a before the next.
template <class Right>
void multiply_terms(ConstBf16Matrix a, Right b, Matrix c, Bf16Vector scratch, bool accumulate) {
  const Index k = b.rows();
  Bf16* const panel = scratch.head(panel_size(k)).data();
  for (Index n0 = 0; n0 < b.cols(); n0 += panel_columns) {
    const Index columns = std::min(panel_columns, b.cols() - n0);
    pack_panel(b.middleCols(n0, columns), panel);
    multiply_panel(k, {a.data(), a.outerStride(), 2}, panel, c.middleCols(n0, columns), accumulate);
  }
}

/// All of b is packed first, and then each block of rows of a, stored as columns, once.
void multiply_terms(TransposedBf16 a, ConstBf16Matrix b, Matrix c, Bf16Vector scratch,
                    bool accumulate) {
  const Index k = b.rows(), panels = (b.cols() + panel_columns - 1) / panel_columns;
  Bf16* const packed = scratch.head((panels + 1) * panel_size(k)).data();
  Bf16* const block = packed + panels * panel_size(k);
  const auto for_each_panel = [&](auto function) {
    for (Index i = 0; i < panels; ++i) {
      const Index n0 = i * panel_columns;
      function(n0, std::min(panel_columns, b.cols() - n0), packed + i * panel_size(k));
    }
  };
  for_each_panel(
      [&](Index n0, Index columns, Bf16* panel) { pack_panel(b.middleCols(n0, columns), panel); });
  for (Index m0 = 0; m0 < a.rows(); m0 += block_columns) {
    const Index rows = std::min(block_columns, a.rows() - m0);
    pack_panel(a.middleRows(m0, rows).transpose(), block);
    const Pairs pairs{block, 2, (rows + 15) / 16 * 32};
    for_each_panel([&](Index n0, Index columns, const Bf16* panel) {
      multiply_panel(k, pairs, panel, c.block(m0, n0, rows, columns), accumulate);
    });
  }
}

template <class Left, class Right>
void multiply_any(Left a, Right b, Matrix c, Bf16Vector scratch, bool accumulate) {
  assert(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols());
  for (Index k0 = 0; k0 < a.cols(); k0 += most_terms) {
    const Index terms = std::min(most_terms, a.cols() - k0);
    multiply_terms(Left(a.middleCols(k0, terms)), Right(b.middleRows(k0, terms)), c, scratch,
                   accumulate || k0 > 0);
  }
}

}  // namespace

std::size_t bf16_product_scratch(Index most_n, Index most_k) {
  const Index k = std::min(most_k, most_terms);
  const Index panels = (most_n + panel_columns - 1) / panel_columns;
  return static_cast<std::size_t>((panels + 1) * panel_size(k));
}

void multiply(ConstBf16Matrix a, ConstMatrix b, Matrix c, Bf16Vector scratch, bool accumulate) {
  multiply_any(a, b, c, scratch, accumulate);
}

void multiply(ConstBf16Matrix a, Transposed b, Matrix c, Bf16Vector scratch, bool accumulate) {
  multiply_any(a, b, c, scratch, accumulate);
}

void multiply(ConstBf16Matrix a, ConstBf16Matrix b, Matrix c, Bf16Vector scratch, bool accumulate) {
  multiply_any(a, b, c, scratch, accumulate);
}

void multiply(ConstBf16Matrix a, TransposedBf16 b, Matrix c, Bf16Vector scratch, bool accumulate) {
  multiply_any(a, b, c, scratch, accumulate);
}

void multiply(TransposedBf16 a, ConstBf16Matrix b, Matrix c, Bf16Vector scratch, bool accumulate) {
  multiply_any(a, b, c, scratch, accumulate);
}

}  // namespace nodezero::model
