// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

/// Functions that decide bits of a result, made of operations that IEEE 754 rounds exactly, so that
/// they are the same on every processor and with every C library: docs/arithmetic.md. Each is
/// within 2 units in the last place. They need a FloatingPointScope and a compiler that contracts
/// nothing (-ffp-contract=off).
namespace nodezero::model {

// Kernels that are compiled for several processors include this file, so nothing in it may be left
// to the linker.
#define NODEZERO_FUNCTION [[gnu::always_inline]] inline

/// log(1 + f) + e ln 2, given s = f / (2 + f) and R = the series of log((1 + s) / (1 - s)) / s - 2
/// with f^2 / 2 taken out, so that no digit of f is lost.
template <class Real>
NODEZERO_FUNCTION Real assemble_log(Real f, Real s, Real series, Real e, Real ln2_high,
                                    Real ln2_low) {
  const Real half_square = Real(0.5) * f * f;
  return e * ln2_high - ((half_square - (s * (half_square + series) + e * ln2_low)) - f);
}

/// The natural logarithm.
NODEZERO_FUNCTION float log(float x) {
  if (!(x > 0.0f)) {
    return x == 0.0f ? -__builtin_inff() : __builtin_nanf("");
  }
  if (x == __builtin_inff()) {
    return x;
  }
  float e = 0.0f;
  if (x < 0x1p-126f) {
    x *= 0x1p23f;
    e = -23.0f;
  }
  // x = 2^e m with m in [sqrt(1/2), sqrt(2)).
  const std::uint32_t above = __builtin_bit_cast(std::uint32_t, x) - 0x3F3504F3u;
  e += static_cast<float>(static_cast<std::int32_t>(above) >> 23);
  const float f = __builtin_bit_cast(float, (above & 0x007FFFFFu) + 0x3F3504F3u) - 1.0f;
  const float s = f / (2.0f + f);
  const float z = s * s;
  const float series = z * (2.0f / 3 + z * (2.0f / 5 + z * (2.0f / 7 + z * (2.0f / 9))));
  return assemble_log(f, s, series, e, 0x1.62ep-1f, 0x1.0bfbe8p-15f);
}

/// The natural logarithm.
NODEZERO_FUNCTION double log(double x) {
  if (!(x > 0.0)) {
    return x == 0.0 ? -__builtin_inf() : __builtin_nan("");
  }
  if (x == __builtin_inf()) {
    return x;
  }
  double e = 0.0;
  if (x < 0x1p-1022) {
    x *= 0x1p54;
    e = -54.0;
  }
  const std::uint64_t above = __builtin_bit_cast(std::uint64_t, x) - 0x3FE6A09E667F3BCDu;
  e += static_cast<double>(static_cast<std::int64_t>(above) >> 52);
  const double f =
      __builtin_bit_cast(double, (above & 0x000FFFFFFFFFFFFFu) + 0x3FE6A09E667F3BCDu) - 1.0;
  const double s = f / (2.0 + f);
  const double z = s * s;
  double series = 0.0;
  for (int n = 21; n >= 3; n -= 2) {
    series = z * (2.0 / n + series);
  }
  return assemble_log(f, s, series, e, 0x1.62e42fefap-1, 0x1.cf79abc9e3b3ap-40);
}

/// e^x.
NODEZERO_FUNCTION double exp(double x) {
  // Beyond these every result is 0 or infinite. What is not a number stays.
  x = x < -746.0 ? -746.0 : x;
  x = x > 710.0 ? 710.0 : x;
  if (!(x == x)) {
    return x;
  }
  // Adding 1.5 * 2^52 leaves x / ln 2, rounded, in the low bits. n times the first part of ln 2 is
  // exact.
  constexpr double shift = 0x1.8p52;
  const double shifted = x * 0x1.71547652b82fep0 + shift;
  const double n = shifted - shift;
  const double r = (x - n * 0x1.62e42fefap-1) - n * 0x1.cf79abc9e3b3ap-40;
  double q = 1.0 / 6227020800.0;
  double factorial = 479001600.0;  // 12!
  for (int i = 12; i >= 2; --i) {
    q = q * r + 1.0 / factorial;
    factorial /= i;
  }
  const double p = 1.0 + (r + r * r * q);
  // In two steps, because 2^n may be no number where p 2^n is one. The first is exact.
  const auto whole = static_cast<std::int64_t>(n);
  const std::int64_t half = whole >> 1;
  const auto power = [](std::int64_t e) {
    return __builtin_bit_cast(double, static_cast<std::uint64_t>(e + 1023) << 52);
  };
  return p * power(half) * power(whole - half);
}

/// cos(pi x) for x in [0, 1].
NODEZERO_FUNCTION double cos_of_half_turns(double x) {
  const bool is_negative = x > 0.5;
  const double first = is_negative ? 1.0 - x : x;  // exact, as is the difference below
  const bool is_sine = first > 0.25;
  const double angle = 0x1.921fb54442d18p1 * (is_sine ? 0.5 - first : first);
  const double z = angle * angle;
  // The Taylor series of sin(angle) / angle or cos(angle).
  double series = 0.0;
  for (int n = is_sine ? 19 : 20; n >= 2; n -= 2) {
    series = z / (n * (n - 1)) * (1.0 - series);
  }
  const double value = is_sine ? angle - angle * series : 1.0 - series;
  return is_negative ? -value : value;
}

}  // namespace nodezero::model
