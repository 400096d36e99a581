// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Matrix products: every element of c starts from what it is (or +0) and takes its terms in order,
// one rounding each. (Blocks and panels as in Goto, van de Geijn: "Anatomy of high-performance
// matrix multiplication", 2008.)

#include "model/kernels/levels/packing.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

/// What a tile of c takes: with its sums, the right factor's registers and one of the left factor
/// in the registers that there are.
inline constexpr Index tile_rows = register_floats == 16 ? 8 : 4;
/// Rows of the left factor: packed into panels, or in place, if they lie side by side as they are.
struct Left {
  const float* data;
  Index slot_step;
  bool is_packed;

  NODEZERO_INLINE const float* row(Index row, Index slots) const {
    return data + (is_packed ? row / panel_lines * panel_lines * slots + row % panel_lines : row);
  }
};

struct Tile {
  float* c;
  Index stride;
  Index last_columns;  ///< of the last register of a row
  bool accumulate;
  Index left_step;  ///< from a slot of the left factor to the next
};

template <class Multiply, Index rows, Index registers>
void multiply_tile(Index slots, const float* a, const float* b, const Tile& tile) {
  Register sums[rows][registers];
  float* c = tile.c;
#pragma GCC unroll 8
  for (Index r = 0; r < rows; ++r, c += tile.stride) {
#pragma GCC unroll 3
    for (Index v = 0; v < registers; ++v) {
      float* const at = c + v * register_floats;
      const bool whole = v + 1 < registers || tile.last_columns == register_floats;
      sums[r][v] = !tile.accumulate ? Register{}
                   : whole          ? load(at)
                                    : load_first(at, tile.last_columns, 0.0f);
    }
  }
  for (Index slot = 0; slot < slots; ++slot) {
    Register right[registers];
#pragma GCC unroll 3
    for (Index v = 0; v < registers; ++v) {
      right[v] = load(b + v * register_floats);
    }
#pragma GCC unroll 8
    for (Index r = 0; r < rows; ++r) {
      const Register left = broadcast(a[r]);
#pragma GCC unroll 3
      for (Index v = 0; v < registers; ++v) {
        sums[r][v] = Multiply()(left, right[v], sums[r][v]);
      }
    }
    a += tile.left_step;
    b += registers * register_floats;
  }
  c = tile.c;
#pragma GCC unroll 8
  for (Index r = 0; r < rows; ++r, c += tile.stride) {
#pragma GCC unroll 3
    for (Index v = 0; v < registers; ++v) {
      float* const at = c + v * register_floats;
      if (v + 1 < registers || tile.last_columns == register_floats) {
        store(sums[r][v], at);
      } else {
        store_first(sums[r][v], at, tile.last_columns);
      }
    }
  }
}

/// A number that is a constant of the compiler's.
template <Index number>
struct Constant {
  static constexpr Index value = number;
};

/// Calls function(Constant<value>()) for a value from 1 to `most`.
template <Index most, class Function>
NODEZERO_INLINE void with_constant(Index value, const Function& function) {
  if constexpr (most > 1) {
    if (value < most) {
      return with_constant<most - 1>(value, function);
    }
  }
  function(Constant<most>());
}

/// Tiles whose elements have one sum each.
template <class Multiply>
struct PlainTiles {
  NODEZERO_INLINE static void multiply(Index count, Index registers, Index slots, const float* a,
                                       const float* b, const Tile& tile) {
    with_constant<3>(registers, [&](auto v) {
      with_constant<tile_rows>(
          count, [&](auto r) { multiply_tile<Multiply, r.value, v.value>(slots, a, b, tile); });
    });
  }
};

/// c [rows, columns] from packed blocks of both factors.
template <class Tiles>
void multiply_packed(Index rows, Index columns, Index slots, const Left& a, const float* b,
                     const Panels& panels, float* c, Index c_stride, bool accumulate) {
  for (Index i = 0; i < panels.count; ++i) {
    const Index begin = panels.begin[i], registers = panels.width(i) / register_floats;
    const Index last = least(columns - panels.begin[i + 1], Index{0}) + register_floats;
    for (Index row = 0; row < rows; row += tile_rows) {
      // What the next tile begins with comes from memory while this one is computed.
      for (Index next = row + tile_rows; next < least(row + 2 * tile_rows, rows); ++next) {
        for (Index v = 0; v < registers; ++v) {
          __builtin_prefetch(c + next * c_stride + begin + v * register_floats, 1);
        }
      }
      Tiles::multiply(least(rows - row, tile_rows), registers, slots, a.row(row, slots),
                      b + begin * slots,
                      {c + row * c_stride + begin, c_stride, last, accumulate, a.slot_step});
    }
  }
}

/// A block of the left factor, packed into `to` if it must be.
template <class Terms, class Value>
NODEZERO_INLINE Left prepare_left(const Factor<Value>& a, Index rows, Index terms, float* to) {
  if constexpr (__is_same(Terms, Fp32Terms)) {
    if (a.line_step == 1) {
      return {a.data, a.term_step, false};
    }
  }
  Packer<Terms>::pack(a, rows, terms, left_panels(rows), to);
  return {to, panel_lines, true};
}

template <class Terms, class Tiles, class LeftValue, class RightValue>
[[gnu::noinline]] void multiply_blocks(const Factor<LeftValue>& a, const Factor<RightValue>& b,
                                       const Product& product) {
  float* const left = product.scratch;
  float* const right = left + product_scratch(product.rows, 0, product.terms);
  for (Index n0 = 0; n0 < product.columns; n0 += product_block_columns) {
    const Index columns = least(product.columns - n0, product_block_columns);
    const Panels panels = right_panels(columns);
    for (Index k0 = 0; k0 < product.terms; k0 += Terms::block_terms) {
      const Index terms = least(product.terms - k0, Terms::block_terms);
      Packer<Terms>::pack(b.from(n0, k0), columns, terms, panels, right);
      for (Index m0 = 0; m0 < product.rows; m0 += product_block_rows) {
        const Index rows = least(product.rows - m0, product_block_rows);
        multiply_packed<Tiles>(rows, columns, Terms::slots(terms),
                               prepare_left<Terms>(a.from(m0, k0), rows, terms, left), right,
                               panels, product.c + m0 * product.stride + n0, product.stride,
                               product.accumulate || k0 > 0);
      }
    }
  }
}

}  // namespace nodezero::model::NODEZERO_LEVEL
