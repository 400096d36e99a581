// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/moved.hpp"

#include <memory>

#include <gtest/gtest.h>

namespace nodezero::runtime {
namespace {

TEST(Moved, GivesItsContentOnce) {  // C1: no buffer is visible to two actors
  const Moved<std::unique_ptr<int>> first(std::make_unique<int>(7));
  const auto copy = first;  // what CAF does with a message that is shared
  EXPECT_TRUE(copy.full());
  EXPECT_EQ(*copy.take(), 7);
  EXPECT_FALSE(first.full());
  EXPECT_THROW(first.take(), std::logic_error);
  EXPECT_THROW(copy.take(), std::logic_error);
}

TEST(Moved, OfNothingHasNothingToTake) {
  const Moved<int> nothing;
  EXPECT_FALSE(nothing.full());
  EXPECT_THROW(nothing.take(), std::logic_error);
}

}  // namespace
}  // namespace nodezero::runtime
