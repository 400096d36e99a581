// SPDX-License-Identifier: BSD-3-Clause

// Rounding to bf16, held against an independent reference over every kind of float.
#include "model/kernels/bf16.hpp"

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/random.hpp"

namespace nodezero::model {
namespace {

/// The nearest of the two neighbours of `value` that bf16 has, found by comparing distances.
std::uint16_t nearest(float value) {
  const auto bits = std::bit_cast<std::uint32_t>(value);
  const auto below = static_cast<std::uint16_t>(bits >> 16);
  if (std::isnan(value)) {
    return below | 0x40;
  }
  if (std::fpclassify(value) == FP_SUBNORMAL || value == 0) {
    return below & 0x8000;
  }
  if (std::isinf(value)) {
    return below;
  }
  const auto magnitude = [](std::uint32_t upper) {
    // One step beyond the largest finite value counts as 2^128.
    return (upper & 0x7FFF) == 0x7F80
               ? 0x1p128
               : std::abs(static_cast<double>(std::bit_cast<float>(upper << 16)));
  };
  const double exact = std::abs(static_cast<double>(value));
  const double down = exact - magnitude(below), up = magnitude(below + 1u) - exact;
  const bool round_up = up < down || (up == down && (below & 1) != 0);
  return static_cast<std::uint16_t>(below + (round_up ? 1 : 0));
}

std::vector<float> all_kinds() {
  std::vector<float> values;
  // Every sign, exponent and upper mantissa, with what may follow around a tie.
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    for (const std::uint32_t lower : {0x0000u, 0x0001u, 0x7FFFu, 0x8000u, 0x8001u, 0xFFFFu}) {
      values.push_back(std::bit_cast<float>(upper << 16 | lower));
    }
  }
  return values;
}

TEST(Bf16, IsRoundedToTheNearestValueTiesToEven) {
  for (const float value : all_kinds()) {
    ASSERT_EQ(static_cast<std::uint16_t>(to_bf16(value)), nearest(value))
        << std::hex << std::bit_cast<std::uint32_t>(value);
  }
}

TEST(Bf16, WidensWithoutLoss) {
  for (std::uint32_t upper = 0; upper < 0x10000; ++upper) {
    ASSERT_EQ(std::bit_cast<std::uint32_t>(to_float(static_cast<Bf16>(upper))), upper << 16);
  }
}

TEST(Bf16Row, IsRoundedAsTheScalarReferenceDoes) {
  const std::vector<float> values = all_kinds();
  const auto width = static_cast<std::int64_t>(values.size());
  std::vector<Bf16> row(values.size());
  round_row({values.data(), width}, {row.data(), width});
  for (std::size_t i = 0; i < values.size(); ++i) {
    ASSERT_EQ(row[i], to_bf16(values[i])) << std::hex << std::bit_cast<std::uint32_t>(values[i]);
  }
}

TEST(Bf16Row, OfAnyWidthIsRoundedAndWidensAgain) {
  for (std::int64_t width = 1; width <= 100; ++width) {
    std::vector<float> values(static_cast<std::size_t>(width));
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = 1.0f + 0.37f * static_cast<float>(i);
    }
    std::vector<Bf16> row(values.size() + 1, Bf16{0x7FC0});
    round_row({values.data(), width}, {row.data(), width});
    EXPECT_EQ(row.back(), Bf16{0x7FC0}) << "written behind the row of " << width;
    std::vector<float> wide(static_cast<std::size_t>(width) + 1, -7.0f);
    widen_row({row.data(), width}, {wide.data(), width});
    EXPECT_EQ(wide[static_cast<std::size_t>(width)], -7.0f);
    for (std::size_t i = 0; i < values.size(); ++i) {
      EXPECT_EQ(row[i], to_bf16(values[i])) << width << ", " << i;
      EXPECT_EQ(wide[i], to_float(row[i]));
    }
  }
}

TEST(Bf16Row, MayTakeThePlaceOfItsFloats) {
  for (const std::int64_t width : {1, 31, 32, 65, 1000}) {
    std::vector<float> values(static_cast<std::size_t>(width) + 32);
    for (std::size_t i = 0; i < values.size(); ++i) {
      values[i] = std::sin(static_cast<float>(i));
    }
    std::vector<Bf16> apart(static_cast<std::size_t>(width));
    round_row({values.data(), width}, {apart.data(), width});
    round_row({values.data(), width}, {reinterpret_cast<Bf16*>(values.data()), width});
    EXPECT_EQ(std::memcmp(values.data(), apart.data(), apart.size() * sizeof(Bf16)), 0) << width;
  }
}

}  // namespace
}  // namespace nodezero::model
