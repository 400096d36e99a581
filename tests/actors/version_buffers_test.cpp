// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/version_buffers.hpp"

#include <gtest/gtest.h>

#include "actors/gradient_pool.hpp"
#include "model/gpt2/gpt2_layout.hpp"

namespace nodezero::actors {
namespace {

std::shared_ptr<const model::TensorLayout> small_layout() {
  return model::gpt2_layout({.layers = 1, .heads = 1, .width = 2, .context = 2, .vocabulary = 3});
}

TEST(VersionBuffers, WriteInPlaceWhenNobodyHoldsTheVersion) {
  VersionBuffers buffers(std::make_shared<model::Parameters>(small_layout()));
  { const auto handle = buffers.publish(); }
  EXPECT_TRUE(buffers.begin_next().is_in_place);
  buffers.commit_next();
}

TEST(VersionBuffers, NeverWriteWhatSomebodyHolds) {  // A9
  VersionBuffers buffers(std::make_shared<model::Parameters>(small_layout()));
  std::vector<ParametersPtr> held;
  std::vector<float> first_value;
  for (int version = 0; version < 10; ++version) {
    held.push_back(buffers.publish());
    first_value.push_back(held.back()->values()[0]);
    const auto next = buffers.begin_next();
    ASSERT_FALSE(next.is_in_place);
    next.buffer->values()[0] = static_cast<float>(version + 1);
    buffers.commit_next();
    if (version % 3 == 2) {
      held.erase(held.begin());
      first_value.erase(first_value.begin());
    }
    for (std::size_t i = 0; i < held.size(); ++i) {
      ASSERT_EQ(held[i]->values()[0], first_value[i]);
    }
  }
}

TEST(VersionBuffers, AlternateBetweenTwoWhenOnlyTheLastIsHeld) {
  VersionBuffers buffers(std::make_shared<model::Parameters>(small_layout()));
  ParametersPtr held = buffers.publish();
  const auto* first = held.get();
  for (int version = 0; version < 6; ++version) {
    buffers.begin_next();
    buffers.commit_next();
    held = buffers.publish();
    EXPECT_EQ(held.get() == first, version % 2 == 1);
  }
}

TEST(GradientPool, ReusesWhatWasGivenBack) {  // D8, D9
  const auto pool = std::make_shared<GradientPool>(small_layout());
  const float* data = nullptr;
  {
    auto lease = pool->lease();
    data = (*lease).values().data();
    EXPECT_EQ(pool->leased(), 1u);
    const auto moved = std::move(lease);
    EXPECT_EQ(pool->leased(), 1u);
  }
  EXPECT_EQ(pool->leased(), 0u);
  auto again = pool->lease();
  EXPECT_EQ((*again).values().data(), data);
}

}  // namespace
}  // namespace nodezero::actors
