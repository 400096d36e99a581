// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Products as TDPBF16PS (AMX) adds them up: of each 32 terms one sum over the even ones and one
// over the odd ones, both from +0; their sum is added to c.

#include "model/kernels/levels/product.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

inline constexpr Index tile_terms = 32;

template <class Values>
NODEZERO_INLINE Values flushed_sum(Values a, Values b) {
#ifdef __AVX2__
  return a + b;  // within a FlushScope
#else
  for (Index i = 0; i < Index{sizeof(Values) / sizeof(float)}; ++i) {
    a[i] = flushed(flushed(a[i]) + flushed(b[i]));
  }
  return a;
#endif
}

/// Rows of c that fit into registers with two sums for each element.
inline constexpr Index split_rows = tile_rows / 2;

template <Index rows, Index registers>
void multiply_split_tile(Index slots, const Left& left, const float* a, const float* b,
                         const Tile& tile) {
  for (Index first = 0; first < slots; first += tile_terms) {
    Register odd[rows][registers] = {}, even[rows][registers] = {};
    const Index end = least(first + tile_terms, slots);
    for (Index slot = 0; slot < end - first; slot += 2) {
#pragma GCC unroll 4
      for (Index r = 0; r < rows; ++r) {
#pragma GCC unroll 3
        for (Index v = 0; v < registers; ++v) {
          const float* const right = b + v * register_floats;
          odd[r][v] = FlushedFma()(broadcast(a[r * left.line_step + slot * left.slot_step]),
                                   load(right), odd[r][v]);
          even[r][v] = FlushedFma()(broadcast(a[r * left.line_step + (slot + 1) * left.slot_step]),
                                    load(right + registers * register_floats), even[r][v]);
        }
      }
      b += 2 * registers * register_floats;
    }
    a += left.chunk_slots == tile_terms ? left.chunk_step : tile_terms * left.slot_step;
    float* c = tile.c;
    for (Index r = 0; r < rows; ++r, c += tile.stride) {
      for (Index v = 0; v < registers; ++v) {
        float* const at = c + v * register_floats;
        const Index count = v + 1 < registers ? register_floats : tile.last_columns;
        const Register before =
            tile.accumulate || first > 0 ? load_first(at, count, 0.0f) : Register{};
        store_first(flushed_sum(before, flushed_sum(even[r][v], odd[r][v])), at, count);
      }
    }
  }
}

/// Tiles whose elements have two sums each. multiply_packed() calls it with up to tile_rows rows.
struct SplitTiles {
  NODEZERO_INLINE static void multiply(Index count, Index registers, Index slots, const Left& left,
                                       const float* a, const float* b, const Tile& tile) {
    for (Index r = 0; r < count; r += split_rows) {
      const Tile part{tile.c + r * tile.stride, tile.stride, tile.last_columns, tile.wanted,
                      tile.accumulate};
      with_constant<3>(registers, [&](auto v) {
        with_constant<split_rows>(least(count - r, split_rows), [&](auto rows) {
          multiply_split_tile<rows.value, v.value>(slots, left, a + r * left.line_step, b, part);
        });
      });
    }
  }
};

/// One row: eight values of y at a time, for which 32 terms after 32 are added.
[[gnu::noinline]] static void multiply_tile_row(const float* x, const HalfFactor& w, Index n,
                                                Index k, float* y) {
  for (Index j = 0; j < n; j += 8) {
    const Index lines = least(n - j, 8);
    Octet sum{};
    for (Index first = 0; first < k; first += tile_terms) {
      const Index end = least(first + tile_terms, k);
      Octet odd{}, even{};
      for (Index term = first; term < end; term += 2) {
        Octet pair[2] = {};
        for (Index i = 0; i < 2 && term + i < end; ++i) {
          if (lines == 8 && w.line_step == 1) {
            pair[i] = Bf16Terms::octet(w.at(j, term + i));
          } else {
            for (Index line = 0; line < lines; ++line) {
              pair[i][line] = Bf16Terms::one(w.at(j + line, term + i));
            }
          }
        }
        odd = FlushedFma()((term + 1 < end ? x[term + 1] : 0.0f) - Octet{}, pair[1], odd);
        even = FlushedFma()(x[term] - Octet{}, pair[0], even);
      }
      sum = flushed_sum(sum, flushed_sum(even, odd));
    }
    for (Index i = 0; i < lines; ++i) {
      y[j + i] = sum[i];
    }
  }
}

}  // namespace nodezero::model::NODEZERO_LEVEL
