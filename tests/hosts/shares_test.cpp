// SPDX-License-Identifier: BSD-3-Clause

#include "actors/hosts/shares.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/host_settings.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::actors {
namespace {

TEST(Shares, AreContiguousAndWholeAndFollowTheSpeeds) {
  for (const std::uint32_t n : {1U, 2U, 7U, 12U, 13U, 240U, 256U}) {
    for (const std::vector<double>& speeds :
         {std::vector<double>{1}, {1, 1}, {2, 1, 1}, {1, 2, 4, 1, 1, 1, 1, 1}}) {
      const auto shares = contiguous_shares({3, 3 + n}, speeds);
      ASSERT_EQ(shares.size(), speeds.size());
      std::uint32_t next = 3;
      for (const auto& share : shares) {
        EXPECT_EQ(share.first, next);
        next = share.last;
      }
      EXPECT_EQ(next, 3 + n);
    }
  }
}

TEST(Shares, EndAtNodesOfTheTree) {
  const auto halves = contiguous_shares({0, 64}, std::array{1.0, 1.0});
  EXPECT_EQ(halves[0], (PositionRange{0, 32}));
  const std::array<double, 8> eight{1, 1, 1, 1, 1, 1, 1, 1};
  for (const auto& share : contiguous_shares({0, 256}, eight)) {
    EXPECT_TRUE(PositionTree(256).contains(share));
  }
}

TEST(Shares, LossIsAddedAlongTheTreeInAnyOrder) {
  const PositionTree tree(5);
  std::vector<LossOfNode> nodes{
      {{0, 2}, {1e16, 1}}, {{2, 3}, {1, 2}}, {{3, 4}, {-1e16, 4}}, {{4, 5}, {3, 8}}};
  const auto expected = ((1e16) + (1.0 + -1e16)) + 3.0;
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a.range.first < b.range.first; });
  do {
    const auto loss = loss_of_step(tree, nodes);
    ASSERT_TRUE(loss);
    EXPECT_EQ(loss->negative_log_likelihood, expected);
    EXPECT_EQ(loss->valid_tokens, 15);
  } while (std::next_permutation(nodes.begin(), nodes.end(), [](const auto& a, const auto& b) {
    return a.range.first < b.range.first;
  }));
  nodes.pop_back();
  EXPECT_FALSE(loss_of_step(tree, nodes));
  nodes.push_back(nodes.front());
  EXPECT_FALSE(loss_of_step(tree, nodes));
}

runtime::Floats floats(std::span<const float> values) {
  std::shared_ptr<float> copy(new float[values.size()], std::default_delete<float[]>());
  std::ranges::copy(values, copy.get());
  return {copy, values.size()};
}

class Blocks : public ::testing::Test {
 protected:
  static constexpr std::size_t size = model::norm_block_size + 32;
  std::shared_ptr<const model::TensorLayout> layout_ = std::make_shared<model::TensorLayout>(
      std::vector<model::TensorInfo>{{.name = "a", .shape = {static_cast<std::int64_t>(size)}}});
};

TEST_F(Blocks, AreAddedAlongTheTreeWhateverComesFirst) {
  const PositionTree tree(3);
  std::mt19937 random(1);
  std::uniform_real_distribution<float> values(-1, 1);
  std::array<std::vector<float>, 3> parts;
  for (auto& part : parts) {
    part.resize(size);
    std::ranges::generate(part, [&] { return values(random); });
  }
  std::array<std::uint32_t, 3> order{0, 1, 2};
  do {
    model::Gradient sum(layout_);
    BlockSums sums(tree, 2);
    for (const std::size_t block : {0U, 1U}) {
      for (std::size_t i = 0; i < 3; ++i) {
        const auto position = order[i];
        const std::size_t begin = block * model::norm_block_size;
        const auto part = std::span(parts[position])
                              .subspan(begin, std::min(model::norm_block_size, size - begin));
        EXPECT_EQ(sums.put(block, {position, position + 1}, floats(part), sum),
                  i == 2 ? BlockSums::Outcome::complete : BlockSums::Outcome::held);
      }
    }
    for (std::size_t i = 0; i < size; ++i) {
      ASSERT_EQ(sum.values()[i], (parts[0][i] + parts[1][i]) + parts[2][i]) << i;
    }
  } while (std::ranges::next_permutation(order).found);
}

TEST_F(Blocks, RefusePartsThatDoNotFit) {
  model::Gradient sum(layout_);
  BlockSums sums(PositionTree(4), 2);
  const std::vector<float> block(model::norm_block_size);
  const auto put = [&](std::size_t number, PositionRange node, std::size_t count) {
    return sums.put(number, node, floats(std::span(block).first(count)), sum);
  };
  EXPECT_EQ(put(0, {0, 2}, block.size()), BlockSums::Outcome::held);
  EXPECT_EQ(put(0, {0, 2}, block.size()), BlockSums::Outcome::refused);  // twice
  EXPECT_EQ(put(0, {1, 2}, block.size()), BlockSums::Outcome::refused);  // a part of it
  EXPECT_EQ(put(0, {1, 3}, block.size()), BlockSums::Outcome::refused);  // no node
  EXPECT_EQ(put(0, {2, 4}, 32), BlockSums::Outcome::refused);            // another size
  EXPECT_EQ(put(2, {2, 4}, block.size()), BlockSums::Outcome::refused);  // no such block
  EXPECT_EQ(put(0, {2, 4}, block.size()), BlockSums::Outcome::complete);
  EXPECT_EQ(put(1, {0, 4}, 32), BlockSums::Outcome::complete);
}

TEST(HostSettings, CrossAsNumbersAndAreCheckedThere) {
  HostSettings settings;
  settings.training.optimizer.learning_rate = 0.1;
  settings.training.model.dropout = 0.25;
  settings.training.seed = 0xffff'ffff'ffff'ffff;
  settings.spheres = 13;
  settings.stall_timeout = std::chrono::milliseconds(1'234);
  auto numbers = encode(settings);
  const auto there = decode(numbers);
  ASSERT_TRUE(there) << there.error().message;
  EXPECT_EQ(*there, settings);
  auto wider = numbers;
  wider.push_back(0);
  EXPECT_FALSE(decode(wider));
  numbers[2] = 0;  // the width
  EXPECT_FALSE(decode(numbers));
}

}  // namespace
}  // namespace nodezero::actors
