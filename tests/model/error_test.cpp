// SPDX-License-Identifier: BSD-3-Clause
#include "nodezero/error.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace nodezero {
namespace {

TEST(Error, IsOneLineThatEndsWithItsPlace) {
  Error error{ErrorCode::not_finite, "the loss is not finite"};
  EXPECT_EQ(to_string(error), "the loss is not finite");
  error.place = ErrorPlace{.run = 0xab, .epoch = 1, .step = 7};
  EXPECT_EQ(to_string(error), "the loss is not finite (run 00000000000000ab, epoch 1, step 7)");
  error.place->sphere = 3;
  error.place->micro_batch = 0;
  EXPECT_TRUE(to_string(error).ends_with("step 7, sphere 3, micro-batch 0)"));
}

TEST(Error, HasWordsForEveryCode) {
  for (int code = 1; code <= static_cast<int>(ErrorCode::component_lost); ++code) {
    const bool is_of_c_alone = code == 16;
    EXPECT_EQ(to_string(static_cast<ErrorCode>(code)) == "unknown", is_of_c_alone) << code;
  }
}

TEST(Result, GoesOnWithItsValueOrKeepsItsError) {
  const auto half = [](int value) -> Result<int> {
    return value % 2 == 0 ? Result<int>(value / 2) : fail(ErrorCode::malformed, "odd");
  };
  EXPECT_EQ(*Result<int>(12).and_then(half).and_then(half), 3);
  const auto odd = Result<int>(6).and_then(half).and_then(half);
  EXPECT_EQ(odd.error().message, "odd");
  EXPECT_EQ(odd.and_then([](int) { return Result<void>(); }).error().code, ErrorCode::malformed);
  EXPECT_EQ(*Result<void>().and_then([] { return Result<int>(5); }), 5);
}

TEST(Result, GivesItsValueAway) {
  auto made = Result<std::unique_ptr<int>>(std::make_unique<int>(4));
  const auto taken = std::move(made).and_then(
      [](std::unique_ptr<int> value) { return Result<std::unique_ptr<int>>(std::move(value)); });
  EXPECT_EQ(**taken, 4);
}

}  // namespace
}  // namespace nodezero
