// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Copies a factor of a matrix product in the order in which the product reads it. A *line* is a row
// of the left factor or a column of the right one; a panel holds lines side by side, term after
// term.

#include "model/kernels/kernel_table.hpp"
#include "model/kernels/levels/bf16_terms.hpp"
#include "model/kernels/product_scratch.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

inline constexpr Index panel_lines = 8;  ///< of the left factor
/// The left factor can be packed without transposing: of eight lines so many slots each, then the
/// next.
inline constexpr Index chunk_slots = product_chunk_slots;

NODEZERO_INLINE void store_octet(Octet values, float* to) {
  __builtin_memcpy(to, &values, sizeof values);
}

/// fp32: terms in ascending order.
struct Fp32Terms {
  static constexpr Index terms_per_slot = 1;
  static constexpr Index block_terms = product_block_slots;
  NODEZERO_INLINE static Index slots(Index terms) { return terms; }
  NODEZERO_INLINE static Index slot(Index term) { return term; }
  NODEZERO_INLINE static Octet octet(const float* from) {
    Octet r;
    __builtin_memcpy(&r, from, sizeof r);
    return r;
  }
  /// Four values and four others.
  NODEZERO_INLINE static Octet octet(const float* first, const float* second) {
    Quartet a, b;
    __builtin_memcpy(&a, first, sizeof a);
    __builtin_memcpy(&b, second, sizeof b);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  }
  NODEZERO_INLINE static float one(const float* from) { return *from; }

  /// A line into its place in each chunk.
  NODEZERO_INLINE static void copy_line(const float* from, Index terms, float* to) {
    Index k = 0;
    for (; k + chunk_slots <= terms; k += chunk_slots, to += panel_lines * chunk_slots) {
      for (Index i = 0; i < chunk_slots; i += register_floats) {
        store(load(from + k + i), to + i);
      }
    }
    for (Index i = 0; i < terms - k; ++i) {
      to[i] = from[k + i];
    }
  }
};

/// bf16: of each pair the odd term first. A pair without an odd term has a zero there.
struct Bf16Terms {
  static constexpr Index terms_per_slot = 1;
  static constexpr Index block_terms = product_block_slots;
  NODEZERO_INLINE static Index slots(Index terms) { return (terms + 1) / 2 * 2; }
  NODEZERO_INLINE static Index slot(Index term) { return term ^ 1; }
  NODEZERO_INLINE static Octet octet(const float* from) {
    return rounded_to_bf16(Fp32Terms::octet(from));
  }
  NODEZERO_INLINE static Octet octet(const float* first, const float* second) {
    return rounded_to_bf16(Fp32Terms::octet(first, second));
  }
  NODEZERO_INLINE static Octet octet(const std::uint16_t* from) {
    OctetHalves r;
    __builtin_memcpy(&r, from, sizeof r);
    return widened(r);
  }
  NODEZERO_INLINE static Octet octet(const std::uint16_t* first, const std::uint16_t* second) {
    std::uint16_t both[8];
    __builtin_memcpy(both, first, sizeof both / 2);
    __builtin_memcpy(both + 4, second, sizeof both / 2);
    return octet(both);
  }
  NODEZERO_INLINE static float one(const float* from) {
    Octet r{*from};
    return rounded_to_bf16(r)[0];
  }
  NODEZERO_INLINE static float one(const std::uint16_t* from) {
    return bits_of<float>(static_cast<std::uint32_t>(*from) << 16);
  }

  NODEZERO_INLINE static void copy_line(const std::uint16_t* from, Index terms, float* to) {
    Index k = 0;
    for (; k + chunk_slots <= terms; k += chunk_slots, to += panel_lines * chunk_slots) {
      for (Index i = 0; i < chunk_slots; i += 8) {
        const Octet values = octet(from + k + i);
        store_octet(__builtin_shufflevector(values, values, 1, 0, 3, 2, 5, 4, 7, 6), to + i);
      }
    }
    for (Index i = 0; i < slots(terms - k); ++i) {
      to[slot(i)] = k + i < terms ? one(from + k + i) : 0.0f;
    }
  }
};

/// Transposes 8 x 8 values, of which r[i] holds the first four of line i and of line i + 4, and r[i
/// + 4] the others.
NODEZERO_INLINE void transpose(Octet (&r)[8]) {
  for (int i = 0; i < 8; i += 4) {
    const Octet low_01 = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    const Octet high_01 = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
    const Octet low_23 = __builtin_shufflevector(r[i + 2], r[i + 3], 0, 8, 1, 9, 4, 12, 5, 13);
    const Octet high_23 = __builtin_shufflevector(r[i + 2], r[i + 3], 2, 10, 3, 11, 6, 14, 7, 15);
    r[i] = __builtin_shufflevector(low_01, low_23, 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 1] = __builtin_shufflevector(low_01, low_23, 2, 3, 10, 11, 6, 7, 14, 15);
    r[i + 2] = __builtin_shufflevector(high_01, high_23, 0, 1, 8, 9, 4, 5, 12, 13);
    r[i + 3] = __builtin_shufflevector(high_01, high_23, 2, 3, 10, 11, 6, 7, 14, 15);
  }
}

/// How lines are divided into panels: panel i has the lines from begin[i] to begin[i + 1], zeros or
/// copies where there are none, and lies in memory behind the slots of all lines before it.
struct Panels {
  Index count;
  Index begin[product_block_columns / 16 + 1];

  NODEZERO_INLINE Index width(Index i) const { return begin[i + 1] - begin[i]; }
};

NODEZERO_INLINE Panels left_panels(Index lines) {
  Panels panels{(lines + panel_lines - 1) / panel_lines, {}};
  for (Index i = 0; i <= panels.count; ++i) {
    panels.begin[i] = i * panel_lines;
  }
  return panels;
}

/// Panels of up to three registers, as even as possible.
NODEZERO_INLINE Panels right_panels(Index lines) {
  const Index registers = (lines + register_floats - 1) / register_floats;
  Panels panels{(registers + 2) / 3, {}};
  for (Index i = 0; i <= panels.count; ++i) {
    panels.begin[i] = registers * i / panels.count * register_floats;
  }
  return panels;
}

/// Eight slots of each of eight lines from a term on, ready for transpose().
template <class Terms, class Value>
NODEZERO_INLINE void load_square(const Value* const (&line)[8], Index term, Octet (&square)[8]) {
  constexpr Index half = 4 * Terms::terms_per_slot;
  for (Index i = 0; i < 4; ++i) {
    square[i] = Terms::octet(line[i] + term, line[i + 4] + term);
    square[i + 4] = Terms::octet(line[i] + term + half, line[i + 4] + term + half);
  }
}

/// Where eight lines begin. Those that are not there are copies of the first, which nobody reads.
template <class Value>
NODEZERO_INLINE void begin_lines(const Factor<Value>& from, Index lines, const Value* (&line)[8]) {
  for (Index i = 0; i < 8; ++i) {
    line[i] = from.at(i < lines ? i : 0, 0);
  }
}

/// Eight lines, each with its terms side by side.
template <class Terms, class Value>
NODEZERO_INLINE void pack_columns(const Factor<Value>& from, Index lines, Index terms, Index width,
                                  float* to) {
  const Value* line[8];
  begin_lines(from, lines, line);
  Index k = 0;
  for (; k + 8 <= terms; k += 8) {
    Octet square[8];
    load_square<Terms>(line, k, square);
    transpose(square);
    for (Index i = 0; i < 8; ++i) {
      store_octet(square[i], to + Terms::slot(k + i) * width);
    }
  }
  for (; k < terms; ++k) {
    for (Index i = 0; i < 8; ++i) {
      to[Terms::slot(k) * width + i] = Terms::one(line[i] + k);
    }
  }
}

/// One row of a panel, from `width` lines that are there.
template <class Terms, Index width, class Value>
NODEZERO_INLINE void pack_row(const Value* source, float* target) {
#pragma GCC unroll 6
  for (Index line = 0; line < width; line += 8) {
    store_octet(Terms::octet(source + line), target + line);
  }
}

template <class Terms, class Value>
NODEZERO_INLINE void pack_row(const Value* source, Index lines, Index width, float* target) {
  if (lines < width) {
    for (Index line = 0; line < width; ++line) {
      target[line] = line < lines ? Terms::one(source + line) : 0.0f;
    }
    return;
  }
  switch (width) {
    case 8:
      return pack_row<Terms, 8>(source, target);
    case 16:
      return pack_row<Terms, 16>(source, target);
    case 24:
      return pack_row<Terms, 24>(source, target);
    case 32:
      return pack_row<Terms, 32>(source, target);
    case 48:
      return pack_row<Terms, 48>(source, target);
  }
}

/// Lines side by side: each row of terms is read once from its beginning to its end.
template <class Terms, class Value>
NODEZERO_INLINE void pack_rows(const Factor<Value>& from, Index lines, Index terms,
                               const Panels& panels, float* to) {
  const Index slots = Terms::slots(terms);
  for (Index k = 0; k < terms; ++k) {
    const Value* const source = from.at(0, k);
    for (Index i = 0; i < panels.count; ++i) {
      const Index begin = panels.begin[i], width = panels.width(i);
      pack_row<Terms>(source + begin, lines - begin, width,
                      to + begin * slots + Terms::slot(k) * width);
    }
  }
}

/// Calls pack(lines' factor, how many there are, width of their panel, where they go) for eight
/// lines after eight of a block that becomes panels of `slots` x width floats.
template <class Value, class Pack>
NODEZERO_INLINE void for_eight_lines(const Factor<Value>& from, Index lines, Index slots,
                                     const Panels& panels, float* to, const Pack& pack) {
  for (Index i = 0; i < panels.count; ++i) {
    const Index begin = panels.begin[i];
    for (Index line = begin; line < least(panels.begin[i + 1], lines); line += 8) {
      pack(from.from(line, 0), lines - line, panels.width(i), to + begin * slots + line - begin);
    }
  }
}

/// Copies a block of a factor into panels of slots(terms) x width floats.
template <class Terms>
struct Packer {
  template <class Value>
  static void pack(const Factor<Value>& from, Index lines, Index terms, const Panels& panels,
                   float* to) {
    const Index slots = Terms::slots(terms);
    if (from.line_step == 1) {
      pack_rows<Terms>(from, lines, terms, panels, to);
    } else {
      for_eight_lines(from, lines, slots, panels, to,
                      [&](const Factor<Value>& eight, Index count, Index width, float* target) {
                        pack_columns<Terms>(eight, count, terms, width, target);
                      });
    }
    for (Index i = 0; i < panels.count && slots > terms; ++i) {
      float* const missing = to + panels.begin[i] * slots + Terms::slot(terms) * panels.width(i);
      for (Index line = 0; line < panels.width(i); ++line) {
        missing[line] = 0;
      }
    }
  }
};

}  // namespace nodezero::model::NODEZERO_LEVEL
