// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/matrix.hpp"

#include <array>
#include <concepts>
#include <vector>

#include <gtest/gtest.h>

#include "model/kernels/elementwise.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {
namespace {

// What may be looked at may not be written, and a transpose is no matrix as stored.
static_assert(std::convertible_to<Matrix, ConstMatrix>);
static_assert(!std::convertible_to<ConstMatrix, Matrix>);
static_assert(!std::convertible_to<decltype(std::declval<Matrix>().transpose()), ConstMatrix>);
static_assert(std::convertible_to<decltype(std::declval<Matrix>().transpose()), Transposed>);
static_assert(!std::convertible_to<Matrix, Transposed>);
static_assert(!std::convertible_to<Matrix, ConstBf16Matrix>);
static_assert(!std::convertible_to<decltype(std::declval<Matrix>().col(0)), ConstVector>);

std::array<float, 12> counting() {
  return {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11};
}

TEST(Matrix, LooksAtMemoryRowByRowWithGaps) {
  auto memory = counting();
  Matrix x(memory.data(), 3, 3, 4);
  EXPECT_EQ(x(0, 2), 2);
  EXPECT_EQ(x(2, 0), 8);
  x(1, 1) = -1;
  EXPECT_EQ(memory[5], -1);
}

TEST(Matrix, OfABlockHasItsPlaceAndStride) {
  auto memory = counting();
  Matrix x(memory.data(), 3, 4);
  const ConstMatrix block = x.block(1, 2, 2, 2);
  EXPECT_EQ(block.data(), &memory[6]);
  EXPECT_EQ(block.outerStride(), 4);
  const Transposed transposed = block.transpose();
  EXPECT_EQ(transposed(1, 0), block(0, 1));
  EXPECT_EQ(transposed.data(), block.data());
  const ConstVector row = block.row(1);
  EXPECT_EQ(row.data(), &memory[10]);
  EXPECT_EQ(row.size(), 2);
}

#ifndef NDEBUG
// Release builds check nothing, so that kernels pay nothing.
TEST(MatrixDeathTest, ShapesThatDoNotFitEndDebugBuilds) {
  auto memory = counting();
  std::vector<float> result(12);
  const Matrix a(memory, 3, 4), b(memory, 4, 3), c(result, 3, 3);
  std::vector<float> memory_of_products(1024);
  const Vector scratch{std::span(memory_of_products)};
  multiply(a, b, c, scratch);
  EXPECT_DEATH(multiply(a, a, c, scratch), "a.cols\\(\\) == b.rows\\(\\)");
  EXPECT_DEATH(multiply(a, b, Matrix(result, 3, 4), scratch), "c.cols\\(\\) == b.cols\\(\\)");
  EXPECT_DEATH(multiply(a.transpose(), b, c, scratch), "a.cols\\(\\) == b.rows\\(\\)");
  EXPECT_DEATH(multiply_row(a.row(0), a, Vector(result.data(), 3)), "x.size\\(\\) == b.rows\\(\\)");
  EXPECT_DEATH(add_bias(a.row(0), c), "bias.size\\(\\) == x.cols\\(\\)");
  EXPECT_DEATH(ConstMatrix(a.topRows(4)), "startRow");
  EXPECT_DEATH(ConstMatrix(memory, 4, 4), "values.size\\(\\)");
}
#endif

}  // namespace
}  // namespace nodezero::model
