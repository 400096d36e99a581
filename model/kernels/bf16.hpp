// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>

namespace nodezero::model {

/// The upper half of a float: 8 bits of exponent, 7 of mantissa.
enum class Bf16 : std::uint16_t {};

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// Rounds to the nearest value, ties to even, as the processor's instruction does: subnormal
/// numbers become zeros of their sign, and NaN stays NaN, made quiet.
Bf16 to_bf16(float value);

/// The distance between rows of `width` values: whole cache lines.
constexpr std::int64_t bf16_stride(std::int64_t width) {
  return (width + 31) / 32 * 32;
}

/// y[i] = to_bf16(x[i]) for i < width, and zeros up to bf16_stride(width). y may begin where x
/// does. Needs check_processor(Precision::bf16), as everything below.
void round_row(std::int64_t width, const float* x, Bf16* y);

/// y[i] = x[i] for i < width.
void widen_row(std::int64_t width, const Bf16* x, float* y);

}  // namespace nodezero::model
