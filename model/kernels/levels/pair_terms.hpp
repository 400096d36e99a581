// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// bf16 with AVX512_BF16: a slot holds a pair of terms, which one instruction adds to a sum, the odd
// one first.

#include "model/kernels/levels/packing.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

/// Each argument but the sum holds sixteen pairs.
struct PairFma {
  NODEZERO_INLINE Register operator()(Register a, Register b, Register sum) const {
    return _mm512_dpbf16_ps(sum, (__m512bh)a, (__m512bh)b);
  }
};

struct PairTerms {
  static constexpr Index terms_per_slot = 2;
  static constexpr Index block_terms = terms_per_slot * product_block_slots;

  NODEZERO_INLINE static Index slots(Index terms) { return (terms + 1) / 2; }

  /// Sixteen values of two rows of lines, as pairs.
  NODEZERO_INLINE static Register pairs(const float* even, const float* odd) {
    return pairs_of(_mm512_loadu_ps(even), _mm512_loadu_ps(odd));
  }
  NODEZERO_INLINE static Register pairs(const std::uint16_t* even, const std::uint16_t* odd) {
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)even));
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_loadu_si256((const __m256i*)odd));
    return (Register)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }
  /// The first `count` values of two rows of lines, of which the second may be missing, as pairs.
  NODEZERO_INLINE static Register pairs(const float* even, const float* odd, Index count) {
    const auto mask = first_mask(count);
    return pairs_of(_mm512_maskz_loadu_ps(mask, even),
                    odd == nullptr ? _mm512_setzero_ps() : _mm512_maskz_loadu_ps(mask, odd));
  }
  NODEZERO_INLINE static Register pairs(const std::uint16_t* even, const std::uint16_t* odd,
                                        Index count) {
    const auto mask = first_mask(count);
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, even));
    const __m512i high = odd == nullptr
                             ? _mm512_setzero_si512()
                             : _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, odd));
    return (Register)_mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }

  /// Four pairs of one line and four of another.
  NODEZERO_INLINE static Octet octet(const float* first, const float* second) {
    const auto both = _mm512_insertf32x8(_mm512_castps256_ps512(_mm256_loadu_ps(first)),
                                         _mm256_loadu_ps(second), 1);
    return (Octet)_mm512_cvtneps_pbh(both);
  }
  NODEZERO_INLINE static Octet octet(const std::uint16_t* first, const std::uint16_t* second) {
    Quartet a, b;
    __builtin_memcpy(&a, first, sizeof a);
    __builtin_memcpy(&b, second, sizeof b);
    return __builtin_shufflevector(a, b, 0, 1, 2, 3, 4, 5, 6, 7);
  }

  /// A line into its place in each chunk.
  NODEZERO_INLINE static void copy_line(const std::uint16_t* from, Index terms, float* to) {
    for (Index k = 0; k < terms; k += 2 * chunk_slots, to += panel_lines * chunk_slots) {
      for (Index i = 0; i < 2 * chunk_slots && k + i < terms; i += 32) {
        const Index count = least(terms - k - i, 32);
        const auto mask = static_cast<__mmask32>(0xFFFFFFFFu >> (32 - count));
        _mm512_storeu_si512(to + i / 2, _mm512_maskz_loadu_epi16(mask, from + k + i));
      }
    }
  }

  /// A pair of one line; the odd term may be missing.
  template <class Value>
  NODEZERO_INLINE static float pair(const Value* from, bool has_odd) {
    return pairs(from, has_odd ? from + 1 : nullptr, 1)[0];
  }

 private:
  NODEZERO_INLINE static Register pairs_of(__m512 even, __m512 odd) {
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return (Register)_mm512_permutexvar_epi16(order, (__m512i)_mm512_cvtne2ps_pbh(odd, even));
  }
  NODEZERO_INLINE static __mmask16 first_mask(Index count) {
    return count >= 16 ? __mmask16{0xFFFF} : static_cast<__mmask16>((1u << count) - 1);
  }
};

/// Sixteen lines' pairs, of which the first `lines` are there, into two panels of eight lines.
template <class Value>
NODEZERO_INLINE void pack_pairs_in_two(const Value* even, const Value* odd, Index lines,
                                       Index slots, float* to) {
  const Register pairs = lines >= 16 && odd != nullptr ? PairTerms::pairs(even, odd)
                                                       : PairTerms::pairs(even, odd, lines);
  store_octet(__builtin_shufflevector(pairs, pairs, 0, 1, 2, 3, 4, 5, 6, 7), to);
  if (lines > panel_lines) {
    store_octet(__builtin_shufflevector(pairs, pairs, 8, 9, 10, 11, 12, 13, 14, 15),
                to + panel_lines * slots);
  }
}

/// Lines side by side: from two rows of terms comes one row of slots.
template <class Value>
NODEZERO_INLINE void pack_pair_rows(const Factor<Value>& from, Index lines, Index terms,
                                    const Panels& panels, float* to) {
  const Index slots = PairTerms::slots(terms);
  for (Index k = 0; k < terms; k += 2) {
    const Value* const even = from.at(0, k);
    const Value* const odd = k + 1 < terms ? from.at(0, k + 1) : nullptr;
    if (panels.width(0) == panel_lines) {
      for (Index line = 0; line < lines; line += 16) {
        pack_pairs_in_two(even + line, odd == nullptr ? nullptr : odd + line, lines - line, slots,
                          to + line * slots + k / 2 * panel_lines);
      }
      continue;
    }
    for (Index i = 0; i < panels.count; ++i) {
      const Index begin = panels.begin[i], end = panels.begin[i + 1];
      float* const target = to + begin * slots + k / 2 * (end - begin) - begin;
      for (Index line = begin; line < end; line += 16) {
        store(line + 16 <= lines && odd != nullptr
                  ? PairTerms::pairs(even + line, odd + line)
                  : PairTerms::pairs(even + line, odd == nullptr ? nullptr : odd + line,
                                     lines - line),
              target + line);
      }
    }
  }
}

/// Eight lines, each with its terms side by side.
template <class Value>
NODEZERO_INLINE void pack_pair_columns(const Factor<Value>& from, Index lines, Index terms,
                                       Index width, float* to) {
  const Value* line[8];
  begin_lines(from, lines, line);
  Index k = 0;
  for (; k + 16 <= terms; k += 16) {
    Octet square[8];
    load_square<PairTerms>(line, k, square);
    transpose(square);
    for (Index i = 0; i < 8; ++i) {
      store_octet(square[i], to + (k / 2 + i) * width);
    }
  }
  for (; k < terms; k += 2) {
    for (Index i = 0; i < 8; ++i) {
      to[k / 2 * width + i] = PairTerms::pair(line[i] + k, k + 1 < terms);
    }
  }
}

template <>
struct Packer<PairTerms> {
  template <class Value>
  static void pack(const Factor<Value>& from, Index lines, Index terms, const Panels& panels,
                   float* to) {
    if (from.line_step == 1) {
      pack_pair_rows(from, lines, terms, panels, to);
      return;
    }
    for_eight_lines(from, lines, PairTerms::slots(terms), panels, to,
                    [&](const Factor<Value>& eight, Index count, Index width, float* target) {
                      pack_pair_columns(eight, count, terms, width, target);
                    });
  }
};

}  // namespace nodezero::model::NODEZERO_LEVEL
