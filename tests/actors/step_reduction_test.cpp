// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/step_reduction.hpp"

#include <algorithm>
#include <functional>
#include <numeric>
#include <random>
#include <set>

#include <gtest/gtest.h>

namespace nodezero::actors {
namespace {

TEST(PositionTree, EveryNodeButTheRootHasOneSiblingWithWhichItMakesAnother) {
  for (std::uint32_t n = 1; n <= 70; ++n) {
    const PositionTree tree(n);
    std::function<void(PositionRange)> climb = [&](PositionRange node) {
      ASSERT_TRUE(tree.contains(node));
      const auto sibling = tree.sibling(node);
      if (!sibling) {
        ASSERT_EQ(node, tree.root());
        return;
      }
      ASSERT_TRUE(tree.contains(*sibling));
      ASSERT_EQ(tree.sibling(*sibling), node);
      ASSERT_TRUE(node.last == sibling->first || sibling->last == node.first);
      climb({std::min(node.first, sibling->first), std::max(node.last, sibling->last)});
    };
    for (std::uint32_t i = 0; i < n; ++i) {
      climb({i, i + 1});
    }
  }
}

// Sums strings that show how they were added: the shape must never depend on the order.
class ShapeSum {
 public:
  explicit ShapeSum(std::uint32_t n) : n_(n) {}

  std::string run(const std::vector<std::uint32_t>& order) {
    std::vector<std::uint32_t> all(n_);
    std::iota(all.begin(), all.end(), 0);
    StepReduction reduction(PositionTree(n_), all);
    std::string root;
    std::map<std::uint32_t, std::string> shape_at;  // by first position
    for (const std::uint32_t position : order) {
      EXPECT_TRUE(reduction.acceptable({position, position + 1}));
      shape_at[position] = std::to_string(position);
      Partial leaf;
      leaf.range = {position, position + 1};
      auto outcome = reduction.put(std::move(leaf));
      EXPECT_FALSE(reduction.acceptable({position, position + 1}));
      while (auto* pair = std::get_if<StepReduction::Combine>(&outcome)) {
        const auto left = pair->left.range;
        const auto right = pair->right.range;
        EXPECT_EQ(left.last, right.first);
        shape_at[left.first] = "(" + shape_at[left.first] + "+" + shape_at[right.first] + ")";
        Partial sum;
        sum.range = {left.first, right.last};
        outcome = reduction.put_combined(std::move(sum));
      }
      if (std::holds_alternative<StepReduction::PassUp>(outcome)) {
        root = shape_at[0];
      }
    }
    EXPECT_TRUE(reduction.finished());
    return root;
  }

 private:
  std::uint32_t n_;
};

TEST(StepReduction, AddsInOneShapeWhateverTheOrderOfArrival) {
  std::mt19937 random(5);
  for (std::uint32_t n = 1; n <= 40; ++n) {
    std::vector<std::uint32_t> order(n);
    std::iota(order.begin(), order.end(), 0);
    const std::string expected = ShapeSum(n).run(order);
    for (int i = 0; i < 20; ++i) {
      std::shuffle(order.begin(), order.end(), random);
      ASSERT_EQ(ShapeSum(n).run(order), expected);
    }
  }
  EXPECT_EQ(ShapeSum(5).run({4, 3, 2, 1, 0}), "(((0+1)+(2+3))+4)");
  EXPECT_EQ(ShapeSum(7).run({0, 1, 2, 3, 4, 5, 6}), "(((0+1)+(2+3))+((4+5)+6))");
}

TEST(StepReduction, PassesUpWhatItsSiblingIsNotWhollyItsOwn) {
  StepReduction reduction(PositionTree(8), {0, 1, 2, 6, 7});
  const auto put = [&](std::uint32_t position) {
    Partial leaf;
    leaf.range = {position, position + 1};
    return reduction.put(std::move(leaf));
  };
  EXPECT_TRUE(std::holds_alternative<StepReduction::PassUp>(put(2)));  // 3 is another's
  EXPECT_TRUE(std::holds_alternative<StepReduction::Held>(put(7)));
  EXPECT_TRUE(std::holds_alternative<StepReduction::Combine>(put(6)));
  EXPECT_FALSE(reduction.arrived(0));
  EXPECT_FALSE(reduction.arrived(1));
  EXPECT_FALSE(reduction.acceptable({3, 4}));
  EXPECT_FALSE(reduction.acceptable({2, 4}));
  EXPECT_FALSE(reduction.finished());
}

}  // namespace
}  // namespace nodezero::actors
