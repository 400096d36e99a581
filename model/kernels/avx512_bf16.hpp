// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Building blocks of the bf16 kernels. These are always compiled for AVX512_BF16, whatever the rest
// of the library is compiled for; check_processor() tells whether they can run.

#include <cstdint>
#include <immintrin.h>

#define NODEZERO_AVX512_BF16 \
  __attribute__((target("avx512f,avx512bw,avx512dq,avx512vl,avx512bf16,fma,avx2")))

namespace nodezero::model {

/// The mask of the first `count` of 16 lanes; count may be negative or above 16.
inline __mmask16 first_lanes(std::int64_t count) {
  return count >= 16 ? __mmask16{0xFFFF}
         : count > 0 ? static_cast<__mmask16>((1u << count) - 1)
                     : __mmask16{0};
}

/// Rounds 32 floats to bf16, those of `low` first.
NODEZERO_AVX512_BF16 inline __m512i round_32(__m512 low, __m512 high) {
  return (__m512i)_mm512_cvtne2ps_pbh(high, low);
}

NODEZERO_AVX512_BF16 inline __m512 widen_16(__m256i values) {
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(values), 16));
}

}  // namespace nodezero::model
