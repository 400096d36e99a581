// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/bf16.hpp"

#include <algorithm>
#include <cassert>

#include "model/kernels/kernels.hpp"

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

void round_row(ConstVector x, Bf16Vector y) {
  assert(y.size() == x.size());
  kernels().round(x.size(), x.data(), reinterpret_cast<std::uint16_t*>(y.data()));
}

void round_rows(ConstMatrix x, Bf16Matrix y) {
  assert(y.rows() == x.rows());
  for (Index row = 0; row < x.rows(); ++row) {
    round_row(x.row(row), y.row(row));
  }
}

void widen_row(ConstBf16Vector x, Vector y) {
  assert(y.size() == x.size());
  kernels().widen(x.size(), reinterpret_cast<const std::uint16_t*>(x.data()), y.data());
}

}  // namespace nodezero::model
