// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// One register of floats, and what the kernels of a level need beyond C++'s operators for vectors.
// The files of this folder are compiled once for each level, with NODEZERO_LEVEL as the name of the
// namespace. They include no library header whose inline functions a linker could take from the
// wrong level, hence no <algorithm>, no <bit>, no Eigen.

#include <cstddef>
#include <cstdint>

#ifdef __x86_64__
#include <immintrin.h>
#endif

#define NODEZERO_INLINE [[gnu::always_inline]] inline

namespace nodezero::model::NODEZERO_LEVEL {

using Index = std::ptrdiff_t;

#if defined(__AVX512F__)
inline constexpr Index register_floats = 16;
#else
inline constexpr Index register_floats = 8;
#endif

using Register [[gnu::vector_size(register_floats * 4)]] = float;
using Integers [[gnu::vector_size(register_floats * 4)]] = std::int32_t;
using Words [[gnu::vector_size(register_floats * 4)]] = std::uint32_t;
using Halves [[gnu::vector_size(register_floats * 2)]] = std::uint16_t;

NODEZERO_INLINE Index least(Index a, Index b) {
  return a < b ? a : b;
}

template <class To, class From>
NODEZERO_INLINE To bits_of(From from) {
  static_assert(sizeof(To) == sizeof(From));
  return __builtin_bit_cast(To, from);
}

NODEZERO_INLINE Register load(const float* from) {
  Register r;
  __builtin_memcpy(&r, from, sizeof r);
  return r;
}

NODEZERO_INLINE void store(Register r, float* to) {
  __builtin_memcpy(to, &r, sizeof r);
}

// load_first() and store_first() take the first `count` values of a register, from 0 to all of
// them. The others are `rest`, and are not stored.

#if defined(__AVX512F__)

NODEZERO_INLINE Register broadcast(float x) {
  return _mm512_set1_ps(x);
}

NODEZERO_INLINE Register fma(Register a, Register b, Register c) {
  return _mm512_fmadd_ps(a, b, c);
}

NODEZERO_INLINE Register load_first(const float* from, Index count, float rest) {
  return _mm512_mask_loadu_ps(broadcast(rest), static_cast<__mmask16>((1u << count) - 1), from);
}

NODEZERO_INLINE void store_first(Register r, float* to, Index count) {
  _mm512_mask_storeu_ps(to, static_cast<__mmask16>((1u << count) - 1), r);
}

#elif defined(__AVX2__)

NODEZERO_INLINE Register broadcast(float x) {
  return _mm256_set1_ps(x);
}

NODEZERO_INLINE Register fma(Register a, Register b, Register c) {
  return _mm256_fmadd_ps(a, b, c);
}

NODEZERO_INLINE Integers first_lanes(Index count) {
  return Integers{0, 1, 2, 3, 4, 5, 6, 7} < static_cast<std::int32_t>(count);
}

NODEZERO_INLINE Register load_first(const float* from, Index count, float rest) {
  const Integers mask = first_lanes(count);
  return mask ? Register(_mm256_maskload_ps(from, (__m256i)mask)) : broadcast(rest);
}

NODEZERO_INLINE void store_first(Register r, float* to, Index count) {
  _mm256_maskstore_ps(to, (__m256i)first_lanes(count), r);
}

#else

NODEZERO_INLINE Register broadcast(float x) {
  return x - Register{};
}

/// a b + c, rounded once. Without the instruction: the product of two floats is exact in double. If
/// the sum, rounded to double, lies halfway between two floats, rounding it again could go wrong,
/// so there it is moved to the side of what was lost.
NODEZERO_INLINE float fma(float a, float b, float c) {
#ifdef __FP_FAST_FMAF
  return __builtin_fmaf(a, b, c);
#else
  const double product = static_cast<double>(a) * static_cast<double>(b);
  const double addend = c;
  const double sum = product + addend;
  const auto bits = bits_of<std::uint64_t>(sum);
  if ((bits & 0xFFFFFFF) == 0) {  // as it is halfway between two floats, subnormal ones too
    const double addend_part = sum - product;
    const double lost = (product - (sum - addend_part)) + (addend - addend_part);
    // The comparisons are false for what is not a number. An infinite sum has lost such a thing.
    if (lost > 0 || lost < 0) {
      return static_cast<float>(bits_of<double>((lost > 0) == (sum > 0) ? bits + 1 : bits - 1));
    }
  }
  return static_cast<float>(sum);
#endif
}

NODEZERO_INLINE Register fma(Register a, Register b, Register c) {
  Register r;
  for (Index i = 0; i < register_floats; ++i) {
    r[i] = fma(a[i], b[i], c[i]);
  }
  return r;
}

NODEZERO_INLINE Register load_first(const float* from, Index count, float rest) {
  Register r = broadcast(rest);
  for (Index i = 0; i < count; ++i) {
    r[i] = from[i];
  }
  return r;
}

NODEZERO_INLINE void store_first(Register r, float* to, Index count) {
  for (Index i = 0; i < count; ++i) {
    to[i] = r[i];
  }
}

#endif

}  // namespace nodezero::model::NODEZERO_LEVEL
