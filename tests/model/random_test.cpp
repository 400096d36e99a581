// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/random.hpp"

#include <cstdint>

#include <gtest/gtest.h>

namespace nodezero::model {
namespace {

// The known answers that the authors of Philox publish with their code (Random123).
TEST(Philox, GivesTheKnownAnswers) {
  EXPECT_EQ(philox({0, 0, 0, 0}, {0, 0}),
            (std::array<std::uint32_t, 4>{0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}));
  EXPECT_EQ(philox({~0u, ~0u, ~0u, ~0u}, {~0u, ~0u}),
            (std::array<std::uint32_t, 4>{0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}));
  EXPECT_EQ(philox({0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344}, {0xa4093822, 0x299f31d0}),
            (std::array<std::uint32_t, 4>{0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}));
}

TEST(KeyedRandom, GivesTheSameWordsSixteenAtATime) {
  const KeyedRandom random(0x123456789abcdefu, RandomPurpose::dropout, 42, 7);
  for (const std::uint64_t first :
       {std::uint64_t{0}, std::uint64_t{1} << 40, (std::uint64_t{1} << 32) - 16}) {
    std::array<std::array<std::uint32_t, 16>, 4> out;
    random.words_of_16(first, out);
    for (std::size_t i = 0; i < 16; ++i) {
      for (std::size_t word = 0; word < 4; ++word) {
        EXPECT_EQ(out[word][i], random.words(first + i)[word]);
      }
    }
  }
}

TEST(KeyedRandom, IsUniformAndDependsOnEveryPartOfItsKey) {
  const auto mean = [](const KeyedRandom& random) {
    double sum = 0;
    for (std::uint64_t i = 0; i < 10'000; ++i) {
      sum += random.uniform(i);
    }
    return sum / 10'000;
  };
  const KeyedRandom random(1, RandomPurpose::dropout, 2, 3);
  EXPECT_NEAR(mean(random), 0.5, 0.01);
  EXPECT_NE(random.words(0), KeyedRandom(2, RandomPurpose::dropout, 2, 3).words(0));
  EXPECT_NE(random.words(0), KeyedRandom(1, RandomPurpose::sampling, 2, 3).words(0));
  EXPECT_NE(random.words(0), KeyedRandom(1, RandomPurpose::dropout, 3, 3).words(0));
  EXPECT_NE(random.words(0), KeyedRandom(1, RandomPurpose::dropout, 2, 4).words(0));
}

}  // namespace
}  // namespace nodezero::model
