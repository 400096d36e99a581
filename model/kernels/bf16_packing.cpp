// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16_packing.hpp"

#include <immintrin.h>

#include "model/kernels/avx512_bf16.hpp"

namespace nodezero::model {
namespace {

// Values from fp32 or bf16 on their way into a panel; lanes outside of the masks are zero.
// Weights come from memory in more streams than the processor foresees by itself, so they are
// asked for ahead of time, the next pairs of a row or of a column.
struct FromFloats {
  const float* data;
  Index stride;

  /// 16 columns of a row and the next as pairs; without the next, with zeros.
  NODEZERO_AVX512_BF16 __m512i interleaved(Index row, bool has_odd, Index column,
                                           __mmask16 mask) const {
    const float* const even = data + row * stride + column;
    _mm_prefetch(even + 8 * stride, _MM_HINT_T0);
    _mm_prefetch(even + 9 * stride, _MM_HINT_T0);
    const __m512 low = _mm512_maskz_loadu_ps(mask, even);
    const __m512 high = has_odd ? _mm512_maskz_loadu_ps(mask, even + stride) : _mm512_setzero_ps();
    const __m512i order =
        _mm512_set_epi16(31, 15, 30, 14, 29, 13, 28, 12, 27, 11, 26, 10, 25, 9, 24, 8, 23, 7, 22, 6,
                         21, 5, 20, 4, 19, 3, 18, 2, 17, 1, 16, 0);
    return _mm512_permutexvar_epi16(order, round_32(low, high));
  }

  /// 32 values of a row from a column on, `count` of them of the matrix.
  NODEZERO_AVX512_BF16 __m512i along(Index row, Index column, Index count) const {
    const float* const from = data + row * stride + column;
    _mm_prefetch(from + 2 * 32, _MM_HINT_T0);
    _mm_prefetch(from + 2 * 32 + 16, _MM_HINT_T0);
    return round_32(_mm512_maskz_loadu_ps(first_lanes(count), from),
                    _mm512_maskz_loadu_ps(first_lanes(count - 16), from + 16));
  }
};

struct FromBf16 {
  const Bf16* data;
  Index stride;

  NODEZERO_AVX512_BF16 __m512i interleaved(Index row, bool has_odd, Index column,
                                           __mmask16 mask) const {
    const Bf16* const even = data + row * stride + column;
    const __m512i low = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, even));
    if (!has_odd) {
      return low;
    }
    const __m512i high = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(mask, even + stride));
    return _mm512_or_si512(low, _mm512_slli_epi32(high, 16));
  }

  NODEZERO_AVX512_BF16 __m512i along(Index row, Index column, Index count) const {
    const __mmask32 mask = count >= 32 ? 0xFFFFFFFFu : (1u << count) - 1u;
    return _mm512_maskz_loadu_epi16(mask, data + row * stride + column);
  }
};

/// Transposes 16 x 16 pairs in place, in four rounds of exchanges of 1, 2, 4 and 8 lanes.
NODEZERO_AVX512_BF16 inline void transpose_pairs(__m512i (&r)[16]) {
  __m512i t[16];
  for (int i = 0; i < 16; i += 2) {
    t[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
    t[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
  }
  for (int i = 0; i < 16; i += 4) {
    r[i] = _mm512_unpacklo_epi64(t[i], t[i + 2]);
    r[i + 1] = _mm512_unpackhi_epi64(t[i], t[i + 2]);
    r[i + 2] = _mm512_unpacklo_epi64(t[i + 1], t[i + 3]);
    r[i + 3] = _mm512_unpackhi_epi64(t[i + 1], t[i + 3]);
  }
  // r[4 g + c] now holds column c of each group of four columns for the rows 4 g to 4 g + 3.
  for (int c = 0; c < 4; ++c) {
    const __m512i low_01 = _mm512_shuffle_i32x4(r[c], r[4 + c], 0x88);
    const __m512i low_23 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0x88);
    const __m512i high_01 = _mm512_shuffle_i32x4(r[c], r[4 + c], 0xDD);
    const __m512i high_23 = _mm512_shuffle_i32x4(r[8 + c], r[12 + c], 0xDD);
    t[c] = _mm512_shuffle_i32x4(low_01, low_23, 0x88);
    t[8 + c] = _mm512_shuffle_i32x4(low_01, low_23, 0xDD);
    t[4 + c] = _mm512_shuffle_i32x4(high_01, high_23, 0x88);
    t[12 + c] = _mm512_shuffle_i32x4(high_01, high_23, 0xDD);
  }
  for (int i = 0; i < 16; ++i) {
    r[i] = t[i];
  }
}

/// b as stored: pairs come from two rows.
template <class Source>
NODEZERO_AVX512_BF16 void pack_as_stored(Index k, Index n, const Source& b, Bf16* panel) {
  for (Index row = 0; row < k; row += 2) {
    for (Index column = 0; column < n; column += 16) {
      _mm512_storeu_si512(panel, b.interleaved(row, row + 1 < k, column, first_lanes(n - column)));
      panel += 32;
    }
  }
}

/// b stored as its transpose [n, k]: pairs lie in a row side by side.
template <class Source>
NODEZERO_AVX512_BF16 void pack_transposed(Index k, Index n, const Source& b, Bf16* panel) {
  const Index width = (n + 15) / 16 * 16;
  const Index pairs = (k + 1) / 2;
  for (Index pair = 0; pair < pairs; pair += 16) {
    for (Index column = 0; column < n; column += 16) {
      __m512i r[16];
      for (Index i = 0; i < 16; ++i) {
        r[i] =
            column + i < n ? b.along(column + i, 2 * pair, k - 2 * pair) : _mm512_setzero_si512();
      }
      transpose_pairs(r);
      Bf16* to = panel + 2 * (pair * width + column);
      const Index rows = pairs - pair < 16 ? pairs - pair : 16;
      for (Index i = 0; i < rows; ++i, to += 2 * width) {
        _mm512_storeu_si512(to, r[i]);
      }
    }
  }
}

}  // namespace

void pack_panel(ConstMatrix b, Bf16* panel) {
  pack_as_stored(b.rows(), b.cols(), FromFloats{b.data(), b.outerStride()}, panel);
}

void pack_panel(Transposed b, Bf16* panel) {
  pack_transposed(b.rows(), b.cols(), FromFloats{b.data(), b.outerStride()}, panel);
}

void pack_panel(ConstBf16Matrix b, Bf16* panel) {
  pack_as_stored(b.rows(), b.cols(), FromBf16{b.data(), b.outerStride()}, panel);
}

void pack_panel(TransposedBf16 b, Bf16* panel) {
  pack_transposed(b.rows(), b.cols(), FromBf16{b.data(), b.outerStride()}, panel);
}

}  // namespace nodezero::model
