// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16.hpp"

#include <immintrin.h>

#include "model/kernels/avx512_bf16.hpp"

namespace nodezero::model {

Bf16 to_bf16(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const std::uint32_t magnitude = bits & 0x7FFFFFFFu;
  if (magnitude > 0x7F800000u) {
    return static_cast<Bf16>(bits >> 16 | 0x40u);
  }
  if (magnitude < 0x00800000u) {
    return static_cast<Bf16>(bits >> 16 & 0x8000u);
  }
  return static_cast<Bf16>((bits + 0x7FFFu + (bits >> 16 & 1u)) >> 16);
}

NODEZERO_AVX512_BF16 void round_row(std::int64_t width, const float* x, Bf16* y) {
  std::int64_t i = 0;
  for (; i + 32 <= width; i += 32) {
    _mm512_storeu_si512(y + i, round_32(_mm512_loadu_ps(x + i), _mm512_loadu_ps(x + i + 16)));
  }
  if (i < width) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(width - i), x + i);
    const __m512 high = _mm512_maskz_loadu_ps(first_lanes(width - i - 16), x + i + 16);
    _mm512_storeu_si512(y + i, round_32(low, high));
  }
}

NODEZERO_AVX512_BF16 void widen_row(std::int64_t width, const Bf16* x, float* y) {
  std::int64_t i = 0;
  for (; i + 16 <= width; i += 16) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(x + i));
    _mm512_storeu_ps(y + i, widen_16(halves));
  }
  for (; i < width; ++i) {
    y[i] = to_float(x[i]);
  }
}

}  // namespace nodezero::model
