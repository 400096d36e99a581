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
/// Rows of the left factor, in place or packed: in a chunk of slots they lie line_step apart, and a
/// row's slots slot_step.
struct Left {
  const float* data;
  Index line_step, slot_step;
  Index chunk_slots, chunk_step;
  Index panel_step;  ///< from eight rows to the next eight

  NODEZERO_INLINE const float* row(Index row) const {
    return data + row / panel_lines * panel_step + row % panel_lines * line_step;
  }
};

struct Tile {
  float* c;
  Index stride;
  Index last_columns;   ///< of the last register of a row
  const float* wanted;  ///< half as many floats of the right factor as this tile takes, for later
  bool accumulate;
};

/// Calls whole(a register, its place in c), or last(...) for those at the end of rows that are not
/// whole.
template <Index rows, Index registers, class Whole, class Last>
NODEZERO_INLINE void for_registers(Register (&sums)[rows][registers], float* c, Index stride,
                                   bool is_whole, const Whole& whole, const Last& last) {
  if (is_whole) {
#pragma GCC unroll 8
    for (Index r = 0; r < rows; ++r) {
#pragma GCC unroll 3
      for (Index v = 0; v < registers; ++v) {
        whole(sums[r][v], c + r * stride + v * register_floats);
      }
    }
    return;
  }
#pragma GCC unroll 8
  for (Index r = 0; r < rows; ++r) {
#pragma GCC unroll 3
    for (Index v = 0; v + 1 < registers; ++v) {
      whole(sums[r][v], c + r * stride + v * register_floats);
    }
    last(sums[r][registers - 1], c + r * stride + (registers - 1) * register_floats);
  }
}

template <class Multiply, Index rows, Index registers>
void multiply_tile(Index slots, const Left& left, const float* a, const float* b,
                   const Tile& tile) {
  float* const c = tile.c;
  const Index stride = tile.stride, columns = tile.last_columns;
  Register sums[rows][registers] = {};
  if (tile.accumulate) {
    for_registers(
        sums, c, stride, columns == register_floats,
        [](Register& sum, float* at) { sum = load(at); },
        [&](Register& sum, float* at) { sum = load_first(at, columns, 0.0f); });
  }
  const Index line_step = left.line_step, slot_step = left.slot_step;
  constexpr Index half = registers * register_floats / 2, line = 16;
  const float* wanted = tile.wanted;
  for (Index first = 0; first < slots; first += left.chunk_slots, a += left.chunk_step) {
    const Index end = least(left.chunk_slots, slots - first) * slot_step;
    for (Index slot = 0; slot != end; slot += slot_step) {
      Register right[registers];
#pragma GCC unroll 3
      for (Index v = 0; v < registers; ++v) {
        right[v] = load(b + v * register_floats);
      }
      if constexpr (rows == tile_rows) {
#pragma GCC unroll 2
        for (Index ahead = 0; ahead < half; ahead += line) {
          __builtin_prefetch(wanted + ahead);
        }
        wanted += half;
      }
#pragma GCC unroll 8
      for (Index r = 0; r < rows; ++r) {
        const Register value = broadcast(a[r * line_step + slot]);
#pragma GCC unroll 3
        for (Index v = 0; v < registers; ++v) {
          sums[r][v] = Multiply()(value, right[v], sums[r][v]);
        }
      }
      b += registers * register_floats;
    }
  }
  for_registers(
      sums, c, stride, columns == register_floats, [](Register& sum, float* at) { store(sum, at); },
      [&](Register& sum, float* at) { store_first(sum, at, columns); });
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
  NODEZERO_INLINE static void multiply(Index count, Index registers, Index slots, const Left& left,
                                       const float* a, const float* b, const Tile& tile) {
    with_constant<3>(registers, [&](auto v) {
      with_constant<tile_rows>(count, [&](auto r) {
        multiply_tile<Multiply, r.value, v.value>(slots, left, a, b, tile);
      });
    });
  }
};

/// c [rows, columns] from packed blocks of both factors. The first two tiles of a panel of the
/// right factor have the next panel brought near: where a few rows pass through a whole model, as
/// for a token of each of several texts, it comes from memory.
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
      const Index size = panels.width(i) * slots, half = row / tile_rows * size / 2;
      const float* const right = b + begin * slots;
      Tiles::multiply(least(rows - row, tile_rows), registers, slots, a, a.row(row), right,
                      {c + row * c_stride + begin, c_stride, last,
                       right + (half < size ? size + half : 0), accumulate});
    }
  }
}

/// Whether lines of floats are read where they are as fast as packed ones. On Zen 4 they are. On
/// others one stream of memory in place of eight may be worth the copy, and the kernels that are
/// made for testing pack, so that this is tested everywhere.
NODEZERO_INLINE bool reads_lines_in_place() {
#if defined(__x86_64__) && !defined(NODEZERO_TILE_UNIT)
  return __builtin_cpu_is("amd");
#else
  return false;
#endif
}

/// A block of the left factor, packed into `to` unless it is read where it is.
template <class Terms, class Value>
NODEZERO_INLINE Left prepare_left(const Factor<Value>& a, Index rows, Index terms, float* to) {
  const Index slots = Terms::slots(terms);
  if constexpr (__is_same(Terms, Fp32Terms)) {
    if (a.line_step == 1 || reads_lines_in_place()) {
      return {a.data, a.line_step, a.term_step, slots, 0, panel_lines * a.line_step};
    }
  }
  if constexpr (Terms::terms_per_slot == 2) {
    if (a.line_step % 2 == 0 && terms % 2 == 0) {  // pairs lie in a line as in slots
      return {(const float*)a.data, a.line_step / 2, 1, slots, 0, panel_lines * a.line_step / 2};
    }
  }
  if (a.line_step == 1) {
    Packer<Terms>::pack(a, rows, terms, left_panels(rows), to);
    return {to, 1, panel_lines, slots, 0, panel_lines * slots};
  }
  const Index panel_step = panel_lines * ((slots + chunk_slots - 1) / chunk_slots * chunk_slots);
  for (Index line = 0; line < rows; ++line) {
    Terms::copy_line(a.at(line, 0), terms,
                     to + line / panel_lines * panel_step + line % panel_lines * chunk_slots);
  }
  return {to, chunk_slots, 1, chunk_slots, panel_lines * chunk_slots, panel_step};
}

/// Every element of one factor meets every element of the other. right_block(n0, columns, k0,
/// terms, panels) gives the blocks of the right factor, packed.
template <class Terms, class Tiles, class LeftValue, class RightBlock>
NODEZERO_INLINE void multiply_blocks(const Factor<LeftValue>& a, const Product& product,
                                     const RightBlock& right_block) {
  float* const left = product.scratch;
  for (Index n0 = 0; n0 < product.columns; n0 += product_block_columns) {
    const Index columns = least(product.columns - n0, product_block_columns);
    const Panels panels = right_panels(columns);
    for (Index k0 = 0; k0 < product.terms; k0 += Terms::block_terms) {
      const Index terms = least(product.terms - k0, Terms::block_terms);
      const float* const right = right_block(n0, columns, k0, terms, panels);
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

template <class Terms, class Tiles, class LeftValue, class RightValue>
[[gnu::noinline]] void multiply_factors(const Factor<LeftValue>& a, const Factor<RightValue>& b,
                                        const Product& product) {
  float* const right = product.scratch + product_scratch(product.rows, 0, product.terms);
  multiply_blocks<Terms, Tiles>(
      a, product, [&](Index n0, Index columns, Index k0, Index terms, const Panels& panels) {
        Packer<Terms>::pack(b.from(n0, k0), columns, terms, panels, right);
        return right;
      });
}

/// Packs all blocks of a right factor, one behind the other in the order in which they are needed.
template <class Terms, class Value>
[[gnu::noinline]] void pack_factor(const Factor<Value>& b, Index columns, Index terms, float* to) {
  for (Index n0 = 0; n0 < columns; n0 += product_block_columns) {
    const Index lines = least(columns - n0, product_block_columns);
    const Panels panels = right_panels(lines);
    for (Index k0 = 0; k0 < terms; k0 += Terms::block_terms) {
      const Index some = least(terms - k0, Terms::block_terms);
      Packer<Terms>::pack(b.from(n0, k0), lines, some, panels, to);
      to += panels.begin[panels.count] * Terms::slots(some);
    }
  }
}

/// With what pack_factor() has made of the right factor.
template <class Terms, class Tiles, class LeftValue>
[[gnu::noinline]] void multiply_with_packed_factor(const Factor<LeftValue>& a, const float* right,
                                                   const Product& product) {
  multiply_blocks<Terms, Tiles>(a, product,
                                [&](Index, Index, Index, Index terms, const Panels& panels) {
                                  const float* const block = right;
                                  right += panels.begin[panels.count] * Terms::slots(terms);
                                  return block;
                                });
}

}  // namespace nodezero::model::NODEZERO_LEVEL
