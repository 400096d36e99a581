// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>

#include "model/kernels/matrix.hpp"

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
constexpr Index bf16_stride(Index width) {
  return (width + 31) / 32 * 32;
}

// Everything below needs check_processor(Precision::bf16).

/// y = x, rounded: x, y [N]. Also writes zeros behind y, up to bf16_stride(N) values in all. y may
/// begin where x does.
void round_row(ConstVector x, Bf16Vector y);

/// The same for every row: x, y [M, N], with the rows of y at least bf16_stride(N) apart.
void round_rows(ConstMatrix x, Bf16Matrix y);

/// y = x, widened: x, y [N].
void widen_row(ConstBf16Vector x, Vector y);

/// The values of x [M, N] after each row was rounded in its own place.
inline Bf16Matrix rounded_in_place(Matrix x) {
  return {reinterpret_cast<Bf16*>(x.data()), x.rows(), x.cols(), 2 * x.outerStride()};
}

}  // namespace nodezero::model
