// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16.hpp"

#include <cassert>
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

NODEZERO_AVX512_BF16 void round_row(ConstVector x, Bf16Vector y) {
  assert(y.size() == x.size());
  const Index width = x.size();
  const float* const from = x.data();
  Bf16* const to = y.data();
  Index i = 0;
  for (; i + 32 <= width; i += 32) {
    _mm512_storeu_si512(to + i,
                        round_32(_mm512_loadu_ps(from + i), _mm512_loadu_ps(from + i + 16)));
  }
  if (i < width) {
    const __m512 low = _mm512_maskz_loadu_ps(first_lanes(width - i), from + i);
    const __m512 high = _mm512_maskz_loadu_ps(first_lanes(width - i - 16), from + i + 16);
    _mm512_storeu_si512(to + i, round_32(low, high));
  }
}

void round_rows(ConstMatrix x, Bf16Matrix y) {
  assert(y.rows() == x.rows() && y.outerStride() >= bf16_stride(x.cols()));
  for (Index row = 0; row < x.rows(); ++row) {
    round_row(x.row(row), y.row(row));
  }
}

NODEZERO_AVX512_BF16 void widen_row(ConstBf16Vector x, Vector y) {
  assert(y.size() == x.size());
  const Index width = x.size();
  const Bf16* const from = x.data();
  float* const to = y.data();
  Index i = 0;
  for (; i + 16 <= width; i += 16) {
    const __m256i halves = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(from + i));
    _mm512_storeu_ps(to + i, widen_16(halves));
  }
  for (; i < width; ++i) {
    to[i] = to_float(from[i]);
  }
}

}  // namespace nodezero::model
