// SPDX-License-Identifier: BSD-3-Clause

// Sums that are rounded to bf16 at random: the bits belong to the place, and on average nothing is
// lost.

#include "model/training/gradient_sums.hpp"

#include <bit>
#include <cmath>
#include <limits>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace nodezero::model {
namespace {

TrainingConfig rounding_from(std::uint32_t positions) {
  TrainingConfig config;
  config.exchange = ExchangePrecision::bf16;
  config.exchange_from = positions;
  return config;
}

/// value + 0, as it is at `count` elements of a node.
std::vector<float> sums_of(const GradientSums& sums, const SumNode& node, float value,
                           std::size_t count = 65'536, std::size_t first = 0) {
  std::vector<float> sum(count, value);
  sums.add(node, first, sum, std::vector<float>(count, 0.0F));
  return sum;
}

std::uint32_t bits_of(float value) {
  return std::bit_cast<std::uint32_t>(value);
}

TEST(GradientSums, RoundUpAsOftenAsTheValueIsNearTheUpperNeighbour) {
  const GradientSums sums(rounding_from(2));
  // A quarter, and an eighth and a bit, of the way from one bf16 to the next.
  for (const std::uint32_t lower : {0x4000U, 0x2001U, 1U, 0xFFFFU}) {
    const float value = std::bit_cast<float>(0xBF810000U | lower);
    const std::set<std::uint32_t> neighbours{0xBF810000U, 0xBF820000U};
    double ups = 0;
    const auto rounded = sums_of(sums, {0, 0, 2}, value);
    for (const float sum : rounded) {
      ASSERT_TRUE(neighbours.contains(bits_of(sum)));
      ups += bits_of(sum) == 0xBF820000U ? 1 : 0;
    }
    const auto count = static_cast<double>(rounded.size());
    const double expected = lower / 65'536.0;
    EXPECT_NEAR(ups / count, expected, 5 * std::sqrt(expected * (1 - expected) / count)) << lower;
  }
}

TEST(GradientSums, KeepWhatIsAlreadyRoundedAndWhatIsNoNumber) {
  const GradientSums sums(rounding_from(2));
  constexpr float infinity = std::numeric_limits<float>::infinity();
  for (const float value : {0.0F, 1.5F, -0x1p-126F, 0x1p-133F, infinity, -infinity}) {
    for (const float sum : sums_of(sums, {3, 4, 8}, value, 256)) {
      EXPECT_EQ(bits_of(sum), bits_of(value));
    }
  }
  // Random bits must not make an infinity or a zero of it.
  for (const std::uint32_t bits : {0x7FC00000U, 0xFFFFFFFFU, 0x7FC0FFFFU}) {
    for (const float sum : sums_of(sums, {3, 4, 8}, std::bit_cast<float>(bits), 256)) {
      EXPECT_TRUE(std::isnan(sum));
      EXPECT_EQ(bits_of(sum) & 0xFFFFU, 0);
    }
  }
}

TEST(GradientSums, AreRoundedFromTheNodesOnThatAreSaid) {
  const float value = std::bit_cast<float>(0x3F808000U);
  const auto is_rounded = [&](std::uint32_t from, SumNode node) {
    return sums_of(GradientSums(rounding_from(from)), node, value, 128)[0] != value;
  };
  EXPECT_TRUE(is_rounded(2, {0, 0, 2}));
  EXPECT_FALSE(is_rounded(4, {0, 0, 2}));
  EXPECT_TRUE(is_rounded(4, {0, 0, 4}));
  EXPECT_TRUE(is_rounded(4, {0, 4, 7}));  // a node of four that is cut off at seven
  EXPECT_FALSE(is_rounded(8, {0, 4, 7}));
  TrainingConfig exact;
  EXPECT_EQ(sums_of(GradientSums(exact), {0, 0, 8}, value, 128)[0], value);
}

TEST(GradientSums, HaveBitsOfTheirOwnForSeedStepNodeAndElement) {
  const float value = std::bit_cast<float>(0x3F808000U);
  const auto config = rounding_from(2);
  auto other_seed = config;
  other_seed.seed += 1;
  const auto these = sums_of(GradientSums(config), {1, 0, 4}, value, 256);
  EXPECT_EQ(sums_of(GradientSums(config), {1, 0, 4}, value, 256), these);
  EXPECT_NE(sums_of(GradientSums(other_seed), {1, 0, 4}, value, 256), these);
  EXPECT_NE(sums_of(GradientSums(config), {2, 0, 4}, value, 256), these);
  EXPECT_NE(sums_of(GradientSums(config), {1, 4, 8}, value, 256), these);
  EXPECT_NE(sums_of(GradientSums(config), {1, 0, 3}, value, 256), these);
  // The second half, and no 64 elements the same as others.
  EXPECT_EQ(sums_of(GradientSums(config), {1, 0, 4}, value, 128, 128),
            std::vector(these.begin() + 128, these.end()));
  std::set<std::vector<float>> groups;
  for (auto at = these.begin(); at != these.end(); at += 64) {
    groups.emplace(at, at + 64);
  }
  EXPECT_EQ(groups.size(), 4);
}

}  // namespace
}  // namespace nodezero::model
