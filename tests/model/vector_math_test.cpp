// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/vector_math.hpp"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace nodezero::model {
namespace {

TEST(FastExp, IsWithinTwoUnitsInTheLastPlace) {
  for (double x = -86.9; x < 87.9; x += 0.00137) {
    const auto argument = static_cast<float>(x);
    const double exact = std::exp(static_cast<double>(argument));
    ASSERT_NEAR(fast_exp(argument), exact, 2.4e-7 * exact) << argument;
  }
  EXPECT_EQ(fast_exp(0.0f), 1.0f);
}

TEST(FastExp, SaturatesAndKeepsWhatIsNotANumber) {
  const float infinity = std::numeric_limits<float>::infinity();
  EXPECT_LT(fast_exp(-infinity), 1e-37f);
  EXPECT_GE(fast_exp(-infinity), 0.0f);
  EXPECT_GT(fast_exp(infinity), 1e38f);
  EXPECT_TRUE(std::isnan(fast_exp(std::nanf(""))));
  EXPECT_TRUE(std::isnan(fast_exp(std::nanf("0x1234"))));
  EXPECT_TRUE(std::isnan(fast_exp(-std::nanf("0x3fffff"))));
}

}  // namespace
}  // namespace nodezero::model
