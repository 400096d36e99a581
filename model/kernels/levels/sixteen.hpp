// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Sixteen floats side by side, whatever the width of a register: what every sum along a row is
// defined by.

#include "model/kernels/levels/register.hpp"

namespace nodezero::model::NODEZERO_LEVEL {

struct Sixteen {
  static constexpr Index parts = 16 / register_floats;
  Register part[parts];
};

template <class Function>
NODEZERO_INLINE Sixteen each_part(Function function) {
  Sixteen r;
#pragma GCC unroll 2
  for (Index i = 0; i < Sixteen::parts; ++i) {
    r.part[i] = function(i);
  }
  return r;
}

NODEZERO_INLINE Sixteen sixteen(float x) {
  return each_part([&](Index) { return broadcast(x); });
}

NODEZERO_INLINE Sixteen load_sixteen(const float* from) {
  return each_part([&](Index i) { return load(from + i * register_floats); });
}

NODEZERO_INLINE void store_sixteen(const Sixteen& x, float* to) {
  for (Index i = 0; i < Sixteen::parts; ++i) {
    store(x.part[i], to + i * register_floats);
  }
}

/// How many of the first `count` of sixteen lie in a part.
NODEZERO_INLINE Index count_in(Index part, Index count) {
  const Index from_here = count - part * register_floats;
  return from_here < 0 ? 0 : least(from_here, register_floats);
}

/// The first `count` of sixteen; the others are `rest`.
NODEZERO_INLINE Sixteen load_sixteen(const float* from, Index count, float rest = 0.0f) {
  return count >= 16 ? load_sixteen(from) : each_part([&](Index i) {
    return load_first(from + i * register_floats, count_in(i, count), rest);
  });
}

NODEZERO_INLINE void store_sixteen(const Sixteen& x, float* to, Index count) {
  if (count >= 16) {
    store_sixteen(x, to);
    return;
  }
  for (Index i = 0; i < Sixteen::parts; ++i) {
    store_first(x.part[i], to + i * register_floats, count_in(i, count));
  }
}

#define NODEZERO_OPERATOR(symbol)                                               \
  NODEZERO_INLINE Sixteen operator symbol(const Sixteen& a, const Sixteen& b) { \
    return each_part([&](Index i) { return a.part[i] symbol b.part[i]; });      \
  }
NODEZERO_OPERATOR(+)
NODEZERO_OPERATOR(-)
NODEZERO_OPERATOR(*)
NODEZERO_OPERATOR(/)
#undef NODEZERO_OPERATOR

NODEZERO_INLINE Sixteen fma(const Sixteen& a, const Sixteen& b, const Sixteen& c) {
  return each_part([&](Index i) { return fma(a.part[i], b.part[i], c.part[i]); });
}

/// The larger of each pair; `b` where one is not a number.
NODEZERO_INLINE Sixteen larger(const Sixteen& a, const Sixteen& b) {
  return each_part(
      [&](Index i) -> Register { return a.part[i] > b.part[i] ? a.part[i] : b.part[i]; });
}

NODEZERO_INLINE Sixteen absolute(const Sixteen& x) {
  return each_part(
      [&](Index i) { return bits_of<Register>(bits_of<Words>(x.part[i]) & 0x7FFFFFFFu); });
}

/// The magnitudes of `x` with the signs of `sign`.
NODEZERO_INLINE Sixteen with_sign_of(const Sixteen& sign, const Sixteen& x) {
  return each_part([&](Index i) {
    return bits_of<Register>((bits_of<Words>(x.part[i]) & 0x7FFFFFFFu) |
                             (bits_of<Words>(sign.part[i]) & 0x80000000u));
  });
}

/// `small` where |x| < bound, else `large`.
NODEZERO_INLINE Sixteen where_small(const Sixteen& x, float bound, const Sixteen& small,
                                    const Sixteen& large) {
  const Sixteen magnitude = absolute(x);
  return each_part([&](Index i) -> Register {
    return magnitude.part[i] < bound ? small.part[i] : large.part[i];
  });
}

/// One number of sixteen: halves combined, then quarters, eighths and the last two.
template <class Combine>
NODEZERO_INLINE float along_tree(const Sixteen& x, Combine combine) {
  float values[16];
  store_sixteen(x, values);
  for (Index width = 8; width > 0; width /= 2) {
    for (Index i = 0; i < width; ++i) {
      values[i] = combine(values[i], values[i + width]);
    }
  }
  return values[0];
}

NODEZERO_INLINE float sum_of(const Sixteen& x) {
  return along_tree(x, [](float a, float b) { return a + b; });
}

NODEZERO_INLINE float largest_of(const Sixteen& x) {
  return along_tree(x, [](float a, float b) { return a > b ? a : b; });
}

/// Calls function(first, count) for every sixteen of a row of `size`.
template <class Function>
NODEZERO_INLINE void for_each_sixteen(Index size, Function function) {
  Index i = 0;
  for (; i + 16 <= size; i += 16) {
    function(i, Index{16});
  }
  if (i < size) {
    function(i, size - i);
  }
}

/// e^x, within 1 unit in the last place. x = n ln 2 + r with |r| <= ln(2) / 2, and e^r is its
/// Taylor polynomial of degree 7, whose remainder is below 6e-9.
NODEZERO_INLINE Register exp(Register x) {
  // Beyond these every result is 0 or infinite. What is not a number stays.
  x = x < -104.0f ? broadcast(-104.0f) : x;
  x = x > 89.0f ? broadcast(89.0f) : x;
  // Adding 1.5 * 2^23 leaves x / ln 2, rounded, in the low bits.
  const Register shift = broadcast(12582912.0f);
  const Register shifted = fma(x, broadcast(0x1.715476p0f), shift);
  const Register n = shifted - shift;
  Register r = fma(n, broadcast(-0x1.62ep-1f), x);
  r = fma(n, broadcast(-0x1.0bfbe8p-15f), r);
  Register p = broadcast(1.0f / 5040);
  p = fma(p, r, broadcast(1.0f / 720));
  p = fma(p, r, broadcast(1.0f / 120));
  p = fma(p, r, broadcast(1.0f / 24));
  p = fma(p, r, broadcast(1.0f / 6));
  p = fma(p, r, broadcast(0.5f));
  p = fma(p, r, broadcast(1.0f));
  p = fma(p, r, broadcast(1.0f));
#ifdef __AVX512F__
  return _mm512_scalef_ps(p, n);
#else
  // In two steps, because 2^n may be no number where p 2^n is one. The first is exact.
  const Integers whole = bits_of<Integers>(shifted) - 0x4B400000;
  const Integers half = whole >> 1;
  return p * bits_of<Register>((half + 127) << 23) * bits_of<Register>((whole - half + 127) << 23);
#endif
}

NODEZERO_INLINE Sixteen exp(const Sixteen& x) {
  return each_part([&](Index i) { return exp(x.part[i]); });
}

}  // namespace nodezero::model::NODEZERO_LEVEL
