// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>

namespace nodezero::model {

/// e^x, accurate to about 1 unit in the last place for x in [-87, 88]; about 1e-38 below that range
/// and about 1e38 above it. NaN gives NaN. Free of branches, for loops that the compiler
/// vectorises.
///
/// Writes x as n ln 2 + r with |r| <= ln(2) / 2 and takes e^r from its Taylor polynomial of degree
/// 7, whose remainder r^8 / 8! is below 6e-9.
inline float fast_exp(float x) {
  x = x < -87.0f ? -87.0f : x;
  x = x > 88.0f ? 88.0f : x;
  // Adding 1.5 * 2^23 leaves x / ln 2, rounded, in the low bits of the mantissa.
  constexpr float shift = 12582912.0f;
  const float shifted = x * 1.44269504f + shift;
  const float n = shifted - shift;
  // ln 2 in two parts: n times the first is exact.
  const float r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  const std::uint32_t exponent = std::bit_cast<std::uint32_t>(shifted) << 23;
  return p * std::bit_cast<float>(exponent + 0x3F800000u);
}

}  // namespace nodezero::model
