// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// bf16-tile with AMX, whose TDPBF16PS adds 32 terms to each of 16 x 16 sums, as tile_product.hpp
// does. Two by two tiles of c stay in the unit while a block of terms passes by. (Intel:
// "Intel 64 and IA-32 Architectures Optimization Reference Manual", chapter on AMX.)

#include "model/kernels/levels/pair_terms.hpp"
#include "model/kernels/levels/product.hpp"
#include "model/kernels/levels/tile_product.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

/// Most rows and columns of a tile of c, and most pairs of terms in one of a factor.
inline constexpr Index tile_side = 16;
/// Two tiles of the left factor's rows with so many terms stay in the first-level cache.
inline constexpr Index amx_block_terms = 384;
static_assert(amx_block_terms % tile_terms == 0);

/// The sizes of two by two tiles of c; the second row or column of tiles may be empty.
struct TileShape {
  Index rows[2], columns[2], pairs;
};

/// What LDTILECFG reads. Tiles 0 to 3 are those of c, row by row, 4 and 5 those of the left factor,
/// 6 and 7 of the right one.
struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1, start_row = 0, reserved[14] = {};
  std::uint16_t row_bytes[16] = {};
  std::uint8_t rows[16] = {};

  explicit TileConfiguration(const TileShape& shape) {
    for (Index i = 0; i < 2; ++i) {
      set(2 * i, shape.rows[i], shape.columns[0]);
      set(2 * i + 1, shape.rows[i], shape.columns[1]);
      set(4 + i, shape.rows[i], shape.pairs);
      set(6 + i, shape.pairs, shape.columns[i]);
    }
  }

 private:
  void set(Index tile, Index tile_rows, Index tile_columns) {
    if (tile_rows > 0 && tile_columns > 0) {
      rows[tile] = static_cast<std::uint8_t>(tile_rows);
      row_bytes[tile] = static_cast<std::uint16_t>(4 * tile_columns);
    }
  }
};

/// The compiler does not know that the instructions of the unit read memory.
NODEZERO_INLINE void finish_writing(const void* written) {
  asm volatile("" ::"r"(written) : "memory");
}

/// The tile unit of this thread, while a product uses it. Setting it up clears its tiles and takes
/// long, so it happens only where the shape changes.
class TileUnit {
 public:
  TileUnit() = default;
  TileUnit(const TileUnit&) = delete;
  TileUnit& operator=(const TileUnit&) = delete;
  ~TileUnit() { _tile_release(); }

  void set_up(const TileShape& shape) {
    if (__builtin_memcmp(&shape, &shape_, sizeof shape) == 0) {
      return;
    }
    const TileConfiguration configuration(shape);
    finish_writing(&configuration);
    _tile_loadconfig(&configuration);
    shape_ = shape;
  }

 private:
  TileShape shape_ = {};
};

/// Rows of the left factor, of which a tile's row has its pairs side by side.
struct LeftTiles {
  const void* first;   ///< the tile of the first terms
  const void* second;  ///< of the sixteen rows below
  Index row_bytes;     ///< from a row to the next
  Index step_bytes;    ///< from a tile to the one of the next terms
};

/// Thirty-two rows of the left factor in tiles.
struct PackedTiles {
  static constexpr Index tile_floats = tile_side * tile_side;
  alignas(64) float tiles[2][amx_block_terms / tile_terms][tile_floats];

  void pack(const HalfFactor& a, Index rows, Index terms) {
    for (Index row = 0; row < rows; row += tile_side) {
      for (Index term = 0; term < terms; term += tile_terms) {
        float* const tile = tiles[row / tile_side][term / tile_terms];
        const Index lines = least(rows - row, tile_side), rest = least(terms - term, tile_terms);
        a.term_step == 1 ? copy(a.from(row, term), lines, rest, tile)
                         : transpose_pairs(a.from(row, term), lines, rest, tile);
      }
    }
    finish_writing(tiles);
  }

  LeftTiles all() const { return {tiles[0], tiles[1], tile_side * 4, tile_floats * 4}; }

 private:
  static void copy(const HalfFactor& a, Index lines, Index terms, float* tile) {
    const auto mask = terms == tile_terms ? ~__mmask32{0} : (__mmask32{1} << terms) - 1;
    for (Index line = 0; line < lines; ++line) {
      _mm512_store_si512(tile + line * tile_side, _mm512_maskz_loadu_epi16(mask, a.at(line, 0)));
    }
  }

  static void transpose_pairs(const HalfFactor& a, Index lines, Index terms, float* tile) {
    float pairs[tile_side][tile_side];
    for (Index pair = 0; pair < tile_side; ++pair) {
      const Index even = 2 * pair, odd = even + 1;
      store(even < terms
                ? PairTerms::pairs(a.at(0, even), odd < terms ? a.at(0, odd) : nullptr, lines)
                : Register{},
            pairs[pair]);
    }
    for (Index pair = 0; pair < tile_side; pair += 8) {
      const float* row[8];
      begin_lines(Factor<float>{pairs[pair], tile_side, 1}, 8, row);
      for (Index line = 0; line < tile_side; line += 8) {
        Octet square[8];
        load_square<Fp32Terms>(row, line, square);
        transpose(square);
        for (Index i = 0; i < 8; ++i) {
          store_octet(square[i], tile + (line + i) * tile_side + pair);
        }
      }
    }
  }
};

/// Adds `steps` tiles of terms to tiles of c. `b_floats` lie between the panels of the right
/// factor.
template <Index row_tiles, Index column_tiles>
void add_to_tiles(Index steps, const LeftTiles& a, const float* b, Index b_floats, float* c,
                  Index stride, bool accumulate) {
  const Index c_bytes = stride * Index{sizeof(float)};
  float* const below = c + tile_side * stride;
  if (accumulate) {
    finish_writing(c);
    _tile_loadd(0, c, c_bytes);
    if constexpr (column_tiles == 2) {
      _tile_loadd(1, c + tile_side, c_bytes);
    }
    if constexpr (row_tiles == 2) {
      _tile_loadd(2, below, c_bytes);
    }
    if constexpr (row_tiles == 2 && column_tiles == 2) {
      _tile_loadd(3, below + tile_side, c_bytes);
    }
  } else {
    _tile_zero(0);
    if constexpr (column_tiles == 2) {
      _tile_zero(1);
    }
    if constexpr (row_tiles == 2) {
      _tile_zero(2);
    }
    if constexpr (row_tiles == 2 && column_tiles == 2) {
      _tile_zero(3);
    }
  }
  const char* left = static_cast<const char*>(a.first);
  [[maybe_unused]] const char* second = static_cast<const char*>(a.second);
  const Index b_row = tile_side * Index{sizeof(float)};
  for (Index step = 0; step < steps; ++step) {
    _tile_loadd(4, left, a.row_bytes);
    _tile_loadd(6, b, b_row);
    _tile_dpbf16ps(0, 4, 6);
    if constexpr (column_tiles == 2) {
      _tile_loadd(7, b + b_floats, b_row);
      _tile_dpbf16ps(1, 4, 7);
    }
    if constexpr (row_tiles == 2) {
      _tile_loadd(5, second, a.row_bytes);
      _tile_dpbf16ps(2, 5, 6);
    }
    if constexpr (row_tiles == 2 && column_tiles == 2) {
      _tile_dpbf16ps(3, 5, 7);
    }
    left += a.step_bytes;
    second += a.step_bytes;
    b += tile_side * tile_side;
  }
  _tile_stored(0, c, c_bytes);
  if constexpr (column_tiles == 2) {
    _tile_stored(1, c + tile_side, c_bytes);
  }
  if constexpr (row_tiles == 2) {
    _tile_stored(2, below, c_bytes);
  }
  if constexpr (row_tiles == 2 && column_tiles == 2) {
    _tile_stored(3, below + tile_side, c_bytes);
  }
}

/// Up to 32 x 32 elements of c from a block of terms. The last terms, if they fill no tile, have
/// tiles of their own size, because even a term that is zero could change the sign of a zero.
inline void multiply_four_tiles(TileUnit& unit, TileShape shape, Index terms, const LeftTiles& a,
                                const float* b, Index b_floats, float* c, Index stride,
                                bool accumulate) {
  const auto add = [&](Index pairs, Index steps, Index from_step, bool add_to_c) {
    shape.pairs = pairs;
    unit.set_up(shape);
    const auto at = [&](const void* tiles) {
      return static_cast<const char*>(tiles) + from_step * a.step_bytes;
    };
    const LeftTiles left{at(a.first), at(a.second), a.row_bytes, a.step_bytes};
    const float* const right = b + from_step * tile_side * tile_side;
    with_constant<2>(shape.rows[1] > 0 ? 2 : 1, [&](auto rows) {
      with_constant<2>(shape.columns[1] > 0 ? 2 : 1, [&](auto columns) {
        add_to_tiles<rows.value, columns.value>(steps, left, right, b_floats, c, stride, add_to_c);
      });
    });
  };
  const Index whole = terms / tile_terms, rest = terms % tile_terms;
  if (whole > 0) {
    add(tile_side, whole, 0, accumulate);
  }
  if (rest > 0) {
    add(PairTerms::slots(rest), 1, whole, accumulate || whole > 0);
  }
}

/// The tiles of up to 32 rows where they are in memory.
inline LeftTiles tiles_in_place(const HalfFactor& a) {
  const Index row_bytes = a.line_step * Index{sizeof(std::uint16_t)};
  return {a.data, a.data + tile_side * a.line_step, row_bytes,
          tile_terms * Index{sizeof(std::uint16_t)}};
}

inline Panels tile_panels(Index lines) {
  Panels panels{(lines + tile_side - 1) / tile_side, {}};
  for (Index i = 0; i <= panels.count; ++i) {
    panels.begin[i] = i * tile_side;
  }
  return panels;
}

/// How many of `size` rows or columns from `first` on lie in each of two tiles.
inline void divide_among_tiles(Index size, Index (&tiles)[2]) {
  tiles[0] = least(size, tile_side);
  tiles[1] = least(size - tiles[0], tile_side);
}

template <class RightValue>
[[gnu::noinline]] void multiply_in_tiles(const HalfFactor& a, const Factor<RightValue>& b,
                                         const Product& product) {
  TileUnit unit;
  PackedTiles packed;
  float* const right = product.scratch;
  for (Index n0 = 0; n0 < product.columns; n0 += product_block_columns) {
    const Index columns = least(product.columns - n0, product_block_columns);
    for (Index k0 = 0; k0 < product.terms; k0 += amx_block_terms) {
      const Index terms = least(product.terms - k0, amx_block_terms);
      const Index panel_floats = PairTerms::slots(terms) * tile_side;
      Packer<PairTerms>::pack(b.from(n0, k0), columns, terms, tile_panels(columns), right);
      finish_writing(right);
      for (Index m0 = 0; m0 < product.rows; m0 += 2 * tile_side) {
        TileShape shape{};
        const Index rows = least(product.rows - m0, 2 * tile_side);
        divide_among_tiles(rows, shape.rows);
        // An odd last term is half of a pair, whose other half would be somebody else's.
        const bool is_packed = a.term_step != 1 || terms % 2 != 0;
        if (is_packed) {
          packed.pack(a.from(m0, k0), rows, terms);
        }
        const LeftTiles left = is_packed ? packed.all() : tiles_in_place(a.from(m0, k0));
        for (Index n = 0; n < columns; n += 2 * tile_side) {
          divide_among_tiles(columns - n, shape.columns);
          multiply_four_tiles(unit, shape, terms, left, right + n / tile_side * panel_floats,
                              panel_floats, product.c + m0 * product.stride + n0 + n,
                              product.stride, product.accumulate || k0 > 0);
        }
      }
    }
  }
}

}  // namespace nodezero::model::NODEZERO_LEVEL
