// SPDX-License-Identifier: BSD-3-Clause

// Which blocks of a state have come.

#include "actors/hosts/state_transfer.hpp"

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "nodezero/multilayer_perceptron.hpp"

namespace nodezero::actors {
namespace {

/// A layer of 300 x 300 and its biases: two blocks of each set, the second one shorter.
std::shared_ptr<const model::TrainedModel> two_blocks() {
  return model::host_model(make_trainable(MultilayerPerceptron({300, 300}))).value();
}

wire::state_block block_of_state(const model::TensorLayout& layout, std::uint32_t set,
                                 std::uint32_t block, float value) {
  const std::size_t begin = block * model::norm_block_size;
  const std::size_t size = std::min(model::norm_block_size, layout.buffer_size() - begin);
  std::shared_ptr<float> values(new float[size], std::default_delete<float[]>());
  std::fill_n(values.get(), size, value);
  return {set, block, {std::move(values), size}};
}

class IncomingStates : public ::testing::Test {
 protected:
  wire::state_block block(std::uint32_t set, std::uint32_t number) const {
    return block_of_state(*trained_->layout(), set, number, static_cast<float>(10 * set + number));
  }
  wire::state_end end(std::uint32_t blocks) const { return {encode(progress_), 5, blocks}; }

  std::shared_ptr<const model::TrainedModel> trained_ = two_blocks();
  model::TrainingProgress progress_{.run = 1, .step = 7};
  IncomingState state_{trained_};
};

TEST_F(IncomingStates, AreWholeOnceEachBlockHasComeInAnyOrder) {
  ASSERT_EQ(state_.blocks(), 6);
  std::vector<std::uint32_t> order{4, 1, 0, 5, 3, 2};
  for (const std::uint32_t i : order) {
    EXPECT_FALSE(state_.end(end(6))) << i;
    ASSERT_TRUE(state_.put(block(i / 2, i % 2)));
  }
  const auto progress = state_.end(end(6));
  ASSERT_TRUE(progress) << progress.error().message;
  EXPECT_EQ(progress->step, 7);
  EXPECT_EQ(state_.optimizer->step, 5);
  EXPECT_EQ(state_.weights->values().front(), 0.0F);
  EXPECT_EQ(state_.weights->values().back(), 1.0F);
  EXPECT_EQ(state_.optimizer->first_moment.values().front(), 10.0F);
  EXPECT_EQ(state_.optimizer->second_moment.values().back(), 21.0F);
}

TEST_F(IncomingStates, LackABlockInPlaceOfWhichAnotherCameTwice) {
  for (const std::uint32_t missing : {0U, 1U, 2U, 3U, 4U, 5U}) {
    IncomingState state(trained_);
    for (std::uint32_t i = 0; i < 6; ++i) {
      const std::uint32_t sent = i == missing ? (i + 1) % 6 : i;
      ASSERT_TRUE(state.put(block(sent / 2, sent % 2)));
    }
    const auto progress = state.end(end(6));
    ASSERT_FALSE(progress) << missing;
    EXPECT_EQ(progress.error().message, "a state with gaps came");
  }
}

TEST_F(IncomingStates, TakeNoBlockOfAnotherModel) {
  EXPECT_FALSE(state_.put(block_of_state(*trained_->layout(), 3, 0, 1)));
  auto beyond = block(0, 1);
  beyond.block = 2;
  EXPECT_FALSE(state_.put(beyond));
  auto short_one = block(0, 1);
  short_one.block = 0;
  EXPECT_FALSE(state_.put(short_one));
  EXPECT_FALSE(state_.put({0, 0, {}}));
  EXPECT_FALSE(state_.end(end(0)));
}

TEST_F(IncomingStates, AreWholeIfTheMachineHadThem) {
  StateOfRun held;
  const auto weights = std::make_shared<model::Parameters>(trained_->layout());
  std::ranges::fill(weights->values(), 3.0F);
  held.weights = weights;
  held.optimizer = std::make_shared<model::OptimizerState>(trained_->layout());
  EXPECT_FALSE(state_.end(end(0)));
  state_.copy(held);
  EXPECT_TRUE(state_.end(end(0)));
  EXPECT_EQ(state_.weights->values().back(), 3.0F);
}

}  // namespace
}  // namespace nodezero::actors
