// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/batch_source.hpp"

#include <algorithm>
#include <numeric>
#include <set>
#include <thread>

#include <gtest/gtest.h>

#include "model/training/keyed_permutation.hpp"

namespace nodezero::model {
namespace {

/// Tokens that say where they stand.
class CountingTokens : public TokenSource {
 public:
  explicit CountingTokens(std::uint64_t size) : size_(size) {}
  std::uint64_t size() const override { return size_; }
  void read(std::uint64_t offset, std::span<std::int32_t> out) const override {
    ASSERT_LE(offset + out.size(), size_);
    std::iota(out.begin(), out.end(), static_cast<std::int32_t>(offset));
  }

 private:
  std::uint64_t size_;
};

std::shared_ptr<const TokenSource> counting(std::uint64_t size) {
  return std::make_shared<CountingTokens>(size);
}

/// All targets of an epoch in the order of their visit. Checks each micro-batch by itself:
/// sizes, padding, that a target follows its input, and that it says how many it has.
std::vector<std::int32_t> visit(const BatchSource& source, std::uint64_t epoch,
                                std::int64_t context) {
  std::vector<std::int32_t> visited;
  for (std::uint64_t step = 0; step < source.steps_in_epoch(epoch); ++step) {
    const std::uint32_t count = source.micro_batches_in_step(epoch, step);
    EXPECT_GT(count, 0u);
    for (std::uint32_t position = 0; position < count; ++position) {
      const MicroBatch batch = source.micro_batch(epoch, step, position);
      const auto size = static_cast<std::size_t>(batch.sequences * context);
      EXPECT_EQ(batch.context, context);
      EXPECT_GT(batch.sequences, 0);
      EXPECT_EQ(batch.inputs.size(), size);
      EXPECT_EQ(batch.targets.size(), size);
      std::int64_t valid = 0;
      for (std::size_t i = 0; i < size; ++i) {
        if (batch.targets[i] == ignored_target) {
          EXPECT_EQ(batch.inputs[i], 0);
          continue;
        }
        EXPECT_EQ(batch.targets[i], batch.inputs[i] + 1);
        // Padding stands at a row's end alone: what precedes a target is a target.
        EXPECT_TRUE(i % static_cast<std::size_t>(context) == 0 ||
                    batch.targets[i - 1] == batch.inputs[i]);
        visited.push_back(batch.targets[i]);
        ++valid;
      }
      EXPECT_EQ(batch.valid_tokens, valid);
      EXPECT_GT(valid, 0);
    }
  }
  return visited;
}

/// Every target of a range, in order.
std::vector<std::int32_t> targets_of(TokenRange range) {
  std::vector<std::int32_t> targets(range.size() - 1);
  std::iota(targets.begin(), targets.end(), static_cast<std::int32_t>(range.begin + 1));
  return targets;
}

// Rows B10, B11 and B12: endless empty batches, dropped tails, invalid ranges. Total tokens
// are compared with a count that knows nothing of windows.
TEST(ShuffledWindows, VisitEveryTargetExactlyOnceAnEpoch) {
  for (const std::uint64_t size : {2, 3, 4, 5, 8, 9, 16, 17, 33, 100, 257, 1000}) {
    for (const std::int64_t context : {1, 2, 3, 8, 31, 64, 1000, 5000}) {
      for (const std::uint32_t sequences : {1u, 3u, 8u}) {
        for (const std::uint32_t micro_batches : {1u, 2u, 7u}) {
          const TokenRange range{5, 5 + size};
          const ShuffledWindows source(counting(size + 11), range, context, sequences,
                                       micro_batches, 42);
          for (std::uint64_t epoch = 0; epoch < 3; ++epoch) {
            auto visited = visit(source, epoch, context);
            std::ranges::sort(visited);
            ASSERT_EQ(visited, targets_of(range))
                << size << " tokens, context " << context << ", " << sequences << " x "
                << micro_batches << ", epoch " << epoch;
            ASSERT_EQ(source.targets_in_epoch(), size - 1);
          }
        }
      }
    }
  }
}

TEST(ShuffledWindows, FillAllStepsButTheLast) {
  const ShuffledWindows source(counting(1000), {0, 1000}, 7, 4, 3, 1);
  for (std::uint64_t epoch = 0; epoch < 20; ++epoch) {
    const std::uint64_t steps = source.steps_in_epoch(epoch);
    std::uint64_t windows = 0;
    for (std::uint64_t step = 0; step < steps; ++step) {
      const auto count = source.micro_batches_in_step(epoch, step);
      EXPECT_TRUE(count == 3 || step + 1 == steps);
      for (std::uint32_t position = 0; position < count; ++position) {
        const auto sequences = source.micro_batch(epoch, step, position).sequences;
        EXPECT_TRUE(sequences == 4 || (step + 1 == steps && position + 1 == count));
        windows += static_cast<std::uint64_t>(sequences);
      }
    }
    EXPECT_EQ(windows, source.windows_in_epoch(epoch));
    // 999 targets are 142 whole windows and 5 more; an offset may cut one more in two.
    EXPECT_TRUE(windows == 143 || windows == 144) << windows;
  }
}

TEST(ShuffledWindows, DifferBetweenEpochsAndSeeds) {
  const auto source = [](std::uint64_t seed) {
    return ShuffledWindows(counting(5000), {0, 5000}, 16, 4, 2, seed);
  };
  const auto first = visit(source(1), 0, 16);
  EXPECT_NE(first, visit(source(1), 1, 16));
  EXPECT_NE(first, visit(source(2), 0, 16));
  EXPECT_NE(first, targets_of({0, 5000}));
  // The order differs by itself, not only the start offset, of which context 1 has but one.
  const ShuffledWindows single(counting(100), {0, 100}, 1, 4, 2, 1);
  EXPECT_NE(visit(single, 0, 1), visit(single, 1, 1));
  // Every start offset turns up, not always the same one.
  std::set<std::uint64_t> windows;
  std::set<std::int64_t> offsets;
  const ShuffledWindows one_window(counting(17), {0, 17}, 16, 2, 1, 3);
  for (std::uint64_t epoch = 0; epoch < 400; ++epoch) {
    windows.insert(one_window.windows_in_epoch(epoch));
    const auto batch = one_window.micro_batch(epoch, 0, 0);
    offsets.insert(batch.sequences == 1 ? 0 : std::max(batch.inputs[0], batch.inputs[16]));
  }
  EXPECT_EQ(windows, (std::set<std::uint64_t>{1, 2}));
  EXPECT_EQ(offsets.size(), 16u);
}

TEST(ShuffledWindows, AreAPureFunctionOnAnyThread) {
  const ShuffledWindows source(counting(3000), {10, 2990}, 9, 5, 4, 77);
  const auto expected = visit(source, 2, 9);
  std::vector<std::vector<std::int32_t>> visited(4);
  {
    std::vector<std::jthread> threads;
    for (auto& one : visited) {
      threads.emplace_back([&] { one = visit(source, 2, 9); });
    }
  }
  for (const auto& one : visited) {
    EXPECT_EQ(one, expected);
  }
  // Backwards and from another object of the same arguments.
  const ShuffledWindows twin(counting(3000), {10, 2990}, 9, 5, 4, 77);
  for (std::uint64_t step = source.steps_in_epoch(2); step-- > 0;) {
    EXPECT_EQ(source.micro_batch(2, step, 0).inputs, twin.micro_batch(2, step, 0).inputs);
  }
}

TEST(ShuffledWindows, RefuseWhatHasNoTargetsAndPlacesThatDoNotExist) {
  EXPECT_THROW(ShuffledWindows(counting(9), {3, 4}, 4, 1, 1, 0), std::invalid_argument);
  EXPECT_THROW(ShuffledWindows(counting(9), {4, 3}, 4, 1, 1, 0), std::invalid_argument);
  EXPECT_THROW(ShuffledWindows(counting(9), {0, 10}, 4, 1, 1, 0), std::invalid_argument);
  EXPECT_THROW(ShuffledWindows(counting(9), {0, 9}, 0, 1, 1, 0), std::invalid_argument);
  EXPECT_THROW(ShuffledWindows(counting(9), {0, 9}, 4, 0, 1, 0), std::invalid_argument);
  EXPECT_THROW(ShuffledWindows(counting(9), {0, 9}, 4, 1, 0, 0), std::invalid_argument);
  const ShuffledWindows source(counting(9), {0, 9}, 4, 1, 2, 0);
  EXPECT_THROW(source.micro_batches_in_step(0, source.steps_in_epoch(0)), std::out_of_range);
  EXPECT_THROW(source.micro_batch(0, 0, 2), std::out_of_range);
}

TEST(SequentialWindows, VisitEveryTargetInOrder) {
  for (const std::uint64_t size : {2, 3, 9, 10, 64, 65, 100}) {
    for (const std::int64_t context : {1, 4, 8, 200}) {
      for (const std::uint32_t sequences : {1u, 3u, 64u}) {
        const TokenRange range{7, 7 + size};
        const SequentialWindows source(counting(200), range, context, sequences);
        EXPECT_EQ(source.steps_in_epoch(0), 1u);
        EXPECT_EQ(visit(source, 0, context), targets_of(range));
      }
    }
  }
  EXPECT_THROW(SequentialWindows(counting(9), {3, 4}, 4, 1), std::invalid_argument);
}

TEST(KeyedPermutation, IsABijectionOfEverySize) {
  for (std::uint64_t size = 1; size <= 300; ++size) {
    for (std::uint64_t key = 0; key < 3; ++key) {
      const KeyedPermutation order(size, KeyedRandom(key, RandomPurpose::window_order, 0));
      std::vector<bool> seen(size);
      for (std::uint64_t place = 0; place < size; ++place) {
        const std::uint64_t element = order(place);
        ASSERT_LT(element, size);
        ASSERT_FALSE(seen[element]);
        seen[element] = true;
      }
    }
  }
}

TEST(KeyedPermutation, PutsElementsAtAllPlacesAboutEquallyOften) {
  constexpr std::uint64_t size = 10;
  constexpr int keys = 20'000;
  std::array<std::array<int, size>, size> counts{};
  for (int key = 0; key < keys; ++key) {
    const KeyedPermutation order(
        size, KeyedRandom(static_cast<std::uint64_t>(key), RandomPurpose::window_order, 0));
    for (std::uint64_t place = 0; place < size; ++place) {
      ++counts[place][order(place)];
    }
  }
  // 2,000 are expected; the standard deviation is 42.
  for (const auto& row : counts) {
    for (const int count : row) {
      EXPECT_NEAR(count, keys / static_cast<int>(size), 250);
    }
  }
}

TEST(KeyedPermutation, HandlesRangesBeyondMemory) {
  const std::uint64_t size = (std::uint64_t{1} << 50) + 12'345;
  const KeyedPermutation order(size, KeyedRandom(1, RandomPurpose::window_order, 0));
  std::set<std::uint64_t> seen;
  for (std::uint64_t place = 0; place < 10'000; ++place) {
    const std::uint64_t element = order(size - 1 - place);
    EXPECT_LT(element, size);
    EXPECT_TRUE(seen.insert(element).second);
  }
}

}  // namespace
}  // namespace nodezero::model
