// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/row_product.hpp"

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/bf16.hpp"
#include "model/kernels/random.hpp"

namespace nodezero::model {
namespace {

std::vector<float> values(Index size, std::uint64_t salt) {
  const KeyedRandom random(salt, RandomPurpose::sampling, 0);
  std::vector<float> result(static_cast<std::size_t>(size));
  for (std::size_t i = 0; i < result.size(); ++i) {
    result[i] = static_cast<float>(random.uniform(i)) - 0.5F;
  }
  return result;
}

/// y = x b for b of n columns with a given stride, stored as it is or as its transpose.
template <class Value>
void multiply_stored(const std::vector<float>& x, const std::vector<Value>& b, Index stride,
                     bool transposed, Index n, std::vector<float>& y) {
  const auto k = static_cast<Index>(x.size());
  const ConstVector row(x.data(), k);
  const Vector result(y.data(), n);
  if (transposed) {
    multiply_row(row, MatrixMap<const Value>(b.data(), n, k, stride).transpose(), result);
  } else {
    multiply_row(row, MatrixMap<const Value>(b.data(), k, n, stride), result);
  }
}

// Sizes around the width of a vector and the number of rows that are read side by side.
TEST(MultiplyRow, EqualsTheSumsForOddSizesStridesAndBothForms) {
  for (const Index n : {1, 2, 3, 5, 16, 17, 67, 130}) {
    for (const Index k : {1, 2, 3, 4, 7, 31, 64, 129}) {
      for (const bool transposed : {false, true}) {
        const Index stride = (transposed ? k : n) + 3;
        const auto x = values(k, 1), b = values((transposed ? n : k) * stride, 2);
        std::vector<float> y(static_cast<std::size_t>(n) + 1, 7.0F);
        multiply_stored(x, b, stride, transposed, n, y);
        for (Index j = 0; j < n; ++j) {
          double sum = 0;
          for (Index i = 0; i < k; ++i) {
            const Index at = transposed ? j * stride + i : i * stride + j;
            sum += double{x[static_cast<std::size_t>(i)]} * b[static_cast<std::size_t>(at)];
          }
          ASSERT_NEAR(y[static_cast<std::size_t>(j)], sum, 1e-5) << n << " " << k << transposed;
        }
        ASSERT_EQ(y.back(), 7.0F) << "written behind the row";
      }
    }
  }
}

TEST(MultiplyRow, OfBf16HasTheBitsOfTheSameValuesInFp32) {
  for (const Index n : {1, 3, 16, 31, 33, 67, 130}) {
    for (const Index k : {1, 4, 7, 32, 45, 129}) {
      for (const bool transposed : {false, true}) {
        const Index stride = (transposed ? k : n) + 1;
        const auto x = values(k, 1);
        auto b = values((transposed ? n : k) * stride, 2);
        b.front() = std::numeric_limits<float>::infinity();
        b.back() = std::numeric_limits<float>::quiet_NaN();
        std::vector<Bf16> halves(b.size());
        for (std::size_t i = 0; i < b.size(); ++i) {
          halves[i] = to_bf16(b[i]);
          b[i] = to_float(halves[i]);
        }
        std::vector<float> y(static_cast<std::size_t>(n) + 1, 7.0F), expected = y;
        multiply_stored(x, b, stride, transposed, n, expected);
        multiply_stored(x, halves, stride, transposed, n, y);
        ASSERT_EQ(std::memcmp(y.data(), expected.data(), y.size() * sizeof(float)), 0)
            << n << " " << k << transposed;
      }
    }
  }
}

TEST(MultiplyRow, LetsNaNAndInfinityPass) {
  const std::vector<float> x{1, 1, 1, 1, 1};
  for (const float value :
       {std::numeric_limits<float>::quiet_NaN(), std::numeric_limits<float>::infinity()}) {
    std::vector<float> b(25, 1.0F);
    b[2 * 5 + 3] = value;
    std::vector<float> y(5);
    multiply_stored(x, b, 5, false, 5, y);
    EXPECT_FALSE(std::isfinite(y[3]));
    EXPECT_EQ(y[2], 5.0F);
    multiply_stored(x, b, 5, true, 5, y);
    EXPECT_FALSE(std::isfinite(y[2]));
    EXPECT_EQ(y[3], 5.0F);
  }
}

}  // namespace
}  // namespace nodezero::model
