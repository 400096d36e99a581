// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// bf16 without instructions for it: a number in bf16 is a float with 16 low zeros.

#include "model/kernels/levels/register.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

using Quartet [[gnu::vector_size(16)]] = float;
using Octet [[gnu::vector_size(32)]] = float;
using OctetWords [[gnu::vector_size(32)]] = std::uint32_t;
using OctetHalves [[gnu::vector_size(16)]] = std::uint16_t;

/// Eight floats, rounded to bf16 as to_bf16() does.
NODEZERO_INLINE Octet rounded_to_bf16(Octet values) {
  const auto bits = bits_of<OctetWords>(values);
  const OctetWords magnitude = bits & 0x7FFFFFFFu;
  const OctetWords nearest = bits + 0x7FFFu + (bits >> 16 & 1u);
  const OctetWords quiet = bits | 0x00400000u;
  const OctetWords zero = bits & 0x80000000u;
  OctetWords r = magnitude > 0x7F800000u ? quiet : nearest;
  r = magnitude < 0x00800000u ? zero : r;
  return bits_of<Octet>(r & 0xFFFF0000u);
}

#ifdef __AVX512F__
NODEZERO_INLINE Octet fma(Octet a, Octet b, Octet c) {
  return _mm256_fmadd_ps(a, b, c);
}
#endif

/// How a term joins its sum.
struct Fma {
  template <class Values>
  NODEZERO_INLINE Values operator()(Values a, Values b, Values c) const {
    return fma(a, b, c);
  }
};

#ifdef __AVX2__

/// The same with numbers below 2^-126 taken for zeros and results below it made zeros, which is
/// what the processor's two flags do in a FlushScope.
using FlushedFma = Fma;

/// While this object exists, the processor flushes such numbers to zero. The compiler may move
/// arithmetic out of its block, but not out of a function that it does not see.
class FlushScope {
 public:
  NODEZERO_INLINE FlushScope() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040); }
  NODEZERO_INLINE ~FlushScope() { _mm_setcsr(before_); }

 private:
  unsigned before_;
};

#else

NODEZERO_INLINE float flushed(float x) {
  return __builtin_fabsf(x) < 0x1p-126f ? __builtin_copysignf(0.0f, x) : x;
}

/// The same in software: a result counts as below 2^-126 if it is so after rounding to 24 bits with
/// an exponent without bound, hence the second look with everything 2^64 times as large.
struct FlushedFma {
  NODEZERO_INLINE float operator()(float a, float b, float c) const {
    c = flushed(c);
    const float sum = fma(a, b, c);
    if (__builtin_fabsf(sum) <= 0x1p-126f) {
      const float large = fma(a * 0x1p64f, b, c * 0x1p64f);
      return __builtin_fabsf(large) < 0x1p-62f ? __builtin_copysignf(0.0f, large) : sum;
    }
    return sum;
  }
  NODEZERO_INLINE Octet operator()(Octet a, Octet b, Octet c) const {
    for (Index i = 0; i < 8; ++i) {
      c[i] = (*this)(a[i], b[i], c[i]);
    }
    return c;
  }
};

struct FlushScope {
  NODEZERO_INLINE FlushScope() {}
};

#endif

NODEZERO_INLINE Octet widened(OctetHalves halves) {
  return bits_of<Octet>(__builtin_convertvector(halves, OctetWords) << 16);
}

}  // namespace nodezero::model::NODEZERO_LEVEL
