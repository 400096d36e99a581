// SPDX-License-Identifier: BSD-3-Clause

#include "actors/hosts/shares.hpp"

#include <algorithm>
#include <array>
#include <random>

#include <gtest/gtest.h>

#include "actors/hosts/audit.hpp"
#include "actors/hosts/block_sums.hpp"
#include "actors/hosts/host_settings.hpp"
#include "actors/hosts/speeds.hpp"
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

TEST(Shares, AreOfFewNodesWhereSpeedsAllowThat) {
  // A sixteenth more than its part is worth less than two more sums that cross.
  const auto halves = contiguous_shares({0, 64}, std::array{1.05, 1.0});
  EXPECT_EQ(halves[0], (PositionRange{0, 32}));
  const auto uneven = contiguous_shares({0, 64}, std::array{1.5, 1.0});
  EXPECT_EQ(uneven[0], (PositionRange{0, 38}));
  const auto coarse = contiguous_shares({0, 64}, std::array{1.5, 1.0}, 0.25);
  EXPECT_EQ(coarse[0], (PositionRange{0, 32}));
}

TEST(Shares, CountTheNodesThatARangeIsMadeOf) {
  EXPECT_EQ(nodes_of({0, 64}, 64).size(), 1);
  EXPECT_EQ(nodes_of({32, 64}, 64).size(), 1);
  EXPECT_EQ(nodes_of({0, 33}, 64).size(), 2);
  EXPECT_EQ(nodes_of({33, 64}, 64).size(), 5);
  EXPECT_EQ(nodes_of({8, 13}, 13).size(), 1);  // cut off at the end of the step
  EXPECT_EQ(nodes_of({5, 5}, 13).size(), 0);
  for (std::uint32_t n = 1; n < 20; ++n) {
    for (std::uint32_t first = 0; first < n; ++first) {
      for (std::uint32_t last = first + 1; last <= n; ++last) {
        EXPECT_EQ(nodes_of({first, last}, n).size() == 1, PositionTree(n).contains({first, last}));
      }
    }
  }
}

TEST(Shares, StayWhileSpeedsVaryALittle) {
  Shares shares;
  const std::array<std::uint32_t, 2> machines{0, 1};
  const auto border = [&](double first, double second, double fraction = 0.0) {
    return shares.plan(64, machines, std::array{first, second}, fraction)[0].last;
  };
  EXPECT_EQ(border(1, 1), 32);
  EXPECT_EQ(border(1.15, 1), 32);
  for (std::uint32_t step = 1; step <= Shares::patience; ++step) {
    EXPECT_EQ(border(1.6, 1), step < Shares::patience ? 32 : 40) << step;
  }
  EXPECT_EQ(border(1.5, 1), 40);
  EXPECT_EQ(border(1.4, 1, 0.3), 32);  // where the exchange takes long, a rounder border is better
  // Other machines get their shares at once.
  const std::array<std::uint32_t, 2> others{0, 2};
  EXPECT_EQ(shares.plan(64, others, std::array{1.6, 1.0}, 0)[0].last, 40);
}

TEST(Shares, StayIfNowAndThenAStepIsSlow) {
  Shares shares;
  const std::array<std::uint32_t, 2> machines{0, 1};
  for (std::uint32_t step = 0; step < 10 * Shares::patience; ++step) {
    const double first = step % Shares::patience == 0 ? 1 : 1.6;
    EXPECT_EQ(shares.plan(16, machines, std::array{first, 1.0}, 0)[0].last, 8) << step;
  }
}

TEST(Speeds, AreThoseOfWarmMachines) {
  using std::chrono::microseconds;
  Speeds speeds;
  speeds.add(0, 2);
  speeds.add(1, 1);
  EXPECT_EQ(speeds.share(0), 2 * speeds.share(1));
  speeds.measure(0, 1, microseconds(1'000'000));
  EXPECT_EQ(speeds.rate(0), 0);
  speeds.measure(0, 4, microseconds(1'000'000));
  EXPECT_EQ(speeds.rate(0), 4);
  EXPECT_EQ(speeds.share(1), 2);  // a lane like those of the root
  for (std::uint32_t step = 0; step <= Speeds::long_enough; ++step) {
    EXPECT_EQ(speeds.measure(1, 1, microseconds(2'000'000)), step == Speeds::long_enough) << step;
  }
  EXPECT_EQ(speeds.lane_against_root(1), 0.25);
  speeds.remove(1);
  EXPECT_EQ(speeds.rate(1), 0);
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
    BlockSums sums(tree, 2, {}, 0);
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
  BlockSums sums(PositionTree(4), 2, {}, 0);
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

TEST(Audits, AreOfAboutTheShareThatWasAskedFor) {
  std::uint32_t audited = 0;
  std::vector<std::uint32_t> times(8);
  for (std::uint64_t step = 0; step < 4'000; ++step) {
    EXPECT_FALSE(audited_position(1, step, 8, 0));
    EXPECT_TRUE(audited_position(1, step, 8, 1));
    const auto position = audited_position(1, step, 8, 0.05);
    EXPECT_EQ(position, audited_position(1, step, 8, 0.05));
    if (position) {
      ++audited;
      ++times.at(*position);
    }
  }
  EXPECT_NEAR(audited, 1'600, 160);
  EXPECT_GT(*std::ranges::min_element(times), 100);
}

TEST(Audits, AreDecidedByMostAndElseByTheRoot) {
  using Machines = std::vector<std::uint32_t>;
  EXPECT_EQ(outvoted({}), Machines());
  EXPECT_EQ(outvoted({{0, 7}, {3, 7}}), Machines());
  EXPECT_EQ(outvoted({{0, 7}, {3, 8}}), Machines{3});
  EXPECT_EQ(outvoted({{0, 7}, {3, 8}, {4, 8}}), Machines{0});
  EXPECT_EQ(outvoted({{4, 8}, {0, 7}, {3, 8}, {5, 7}, {6, 9}}), (Machines{4, 3, 6}));
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
