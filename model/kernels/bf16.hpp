// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstdint>

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// The upper half of a float: a sign, 8 bits of exponent and 7 of mantissa.
enum class Bf16 : std::uint16_t {};

inline float to_float(Bf16 value) {
  return std::bit_cast<float>(static_cast<std::uint32_t>(value) << 16);
}

/// Rounds to nearest, ties to even, as the processor's instruction does: subnormal numbers become
/// zeros of the same sign, and NaN becomes a quiet NaN.
Bf16 to_bf16(float value);

/// The distance between rows of `width` values, in values: whole cache lines.
constexpr Index bf16_stride(Index width) {
  return (width + 31) / 32 * 32;
}

/// y = x, rounded: x, y [N]. y may start where x does.
void round_row(ConstVector x, Bf16Vector y);

/// The same for every row: x, y [M, N].
void round_rows(ConstMatrix x, Bf16Matrix y);

/// y = x: x, y [N].
void widen_row(ConstBf16Vector x, Vector y);

/// What x [M, N] holds after each row has been rounded in its own place.
inline Bf16Matrix rounded_in_place(Matrix x) {
  return {reinterpret_cast<Bf16*>(x.data()), x.rows(), x.cols(), 2 * x.outerStride()};
}

}  // namespace nodezero::model
