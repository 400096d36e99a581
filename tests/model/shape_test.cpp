// SPDX-License-Identifier: BSD-3-Clause
#include "model/tensors/shape.hpp"

#include <limits>
#include <stdexcept>

#include <gtest/gtest.h>

#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {
namespace {

constexpr std::int64_t most = std::numeric_limits<std::int64_t>::max();
constexpr std::int64_t one = 1;

TEST(Shape, HasTheProductOfItsExtentsAsItsNumberOfValues) {
  EXPECT_EQ(count_values({}), 1u);
  EXPECT_EQ(count_values({2, 3, 4}), 24u);
  EXPECT_EQ(count_values({one << 22, one << 23}), most_values);
  EXPECT_EQ(count_values({most, most, 0}), 0u);
}

TEST(Shape, HasNoNumberOfValuesThatMemoryCannotHold) {
  EXPECT_FALSE(count_values({-1}));
  EXPECT_FALSE(count_values({0, -1}));
  EXPECT_FALSE(count_values({most, 2}));
  EXPECT_FALSE(count_values({one << 32, one << 32}));
  EXPECT_FALSE(count_values({one << 62, 4}));
  EXPECT_FALSE(count_values({(one << 45) + 1}));
  EXPECT_FALSE(count_values({one << 22, one << 22, 4}));
}

TEST(Shape, IsCheckedByEveryLayout) {
  const auto layout_of = [](std::vector<std::vector<std::int64_t>> shapes) {
    std::vector<TensorInfo> tensors;
    for (auto& shape : shapes) {
      TensorInfo& tensor = tensors.emplace_back();
      tensor.name = "tensor " + std::to_string(tensors.size());
      tensor.shape = std::move(shape);
    }
    return TensorLayout(std::move(tensors));
  };
  EXPECT_EQ(layout_of({{one << 44}, {2, 3}}).parameter_count(), (std::size_t{1} << 44) + 6);
  EXPECT_THROW(layout_of({{one << 32, one << 32}}), std::length_error);
  EXPECT_THROW(layout_of({{one << 45}, {1}}), std::length_error);
}

}  // namespace
}  // namespace nodezero::model
