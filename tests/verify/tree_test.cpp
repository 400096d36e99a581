// SPDX-License-Identifier: BSD-3-Clause

// The production tree of spheres under every schedule, for trees whose numbers are known.

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"
#include "verify/explore/exhaustive.hpp"
#include "verify/explore/sampling.hpp"
#include "verify/scenarios/tree_scenario.hpp"
#include "verify/scenarios/trees.hpp"

namespace nodezero::verify {
namespace {

struct Config : caf::actor_system_config {
  Config() { runtime::configure(*this, runtime::Scheduling::testing); }
};

class TreeTest : public testing::Test {
 protected:
  template <class Explore>
  explore::Report with(TreeSetup setup, const Explore& go, explore::Faults faults = {}) {
    TreeScenario scenario(std::move(setup));
    explore::Run run(system_, scenario, faults);
    auto report = go(run);
    if (report.counterexample) {
      ADD_FAILURE() << report.counterexample->rule << " after "
                    << report.counterexample->schedule.size();
    }
    return report;
  }
  static TreeSetup bare(const TreeText& tree, std::uint64_t epochs) {
    TreeSetup setup;
    setup.tree = parse_tree(tree, 12);
    setup.epochs = epochs;
    setup.bare = true;
    return setup;
  }

  Config config_;
  caf::actor_system system_{config_};
};

explore::Report classes(explore::Run& run) {
  return explore::explore_classes(run, {});
}
explore::Report all(explore::Run& run) {
  return explore::explore_all(run, {}, true);
}

TEST_F(TreeTest, ThereAreAsManyRootedTreesAsKnown) {
  const std::size_t known[] = {1, 1, 2, 4, 9, 20, 48};  // OEIS A000081
  for (std::uint32_t nodes = 1; nodes <= 7; ++nodes) {
    EXPECT_EQ(unordered_trees(nodes).size(), known[nodes - 1]);
  }
}

TEST_F(TreeTest, TheBareProtocolHasTheProductOfChildrensFactorialsAsClasses) {
  EXPECT_EQ(with(bare(complete_tree(2, 2), 1), classes).schedules, 8u);
  EXPECT_EQ(with(bare(complete_tree(2, 3), 1), classes).schedules, 128u);
  EXPECT_EQ(with(bare(complete_tree(3, 2), 1), classes).schedules, 1296u);
  EXPECT_EQ(with(bare(complete_tree(2, 2), 2), classes).schedules, 64u);
}

TEST_F(TreeTest, EverySmallTreeEndsEveryEpochInEveryOrder) {
  for (std::uint32_t nodes = 1; nodes <= 5; ++nodes) {
    for (const auto& text : unordered_trees(nodes)) {
      auto setup = bare(text, 2);
      setup.bare = false;
      EXPECT_TRUE(with(setup, all).complete) << text;
      // Less work than workers: some children have none.
      setup.micro_batches = 1;
      EXPECT_TRUE(with(setup, all).complete) << text;
    }
  }
}

TEST_F(TreeTest, TwelveChildrenHaveFactoriallyManyOrdersAndFewStates) {
  const auto report = with(bare(complete_tree(12, 1), 1), all);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.orders, 479'001'600.0);
  // One for each set of children that have reported, and one before each assignment.
  EXPECT_EQ(report.states, (1U << 12U) + 12);
}

TEST_F(TreeTest, ASphereThatDiesAtAnyMomentIsReplaced) {
  auto setup = bare("((..).)", 1);
  setup.bare = false;
  setup.kills = true;
  setup.faulty = true;
  EXPECT_TRUE(with(setup, all, {.most = 1}).complete);
}

TEST_F(TreeTest, RandomSchedulesDependOnTheirSeedAlone) {
  std::uint64_t first_steps = 0;
  for (int i = 0; i < 2; ++i) {
    const auto report = with(bare(complete_tree(3, 2), 1), [](explore::Run& run) {
      return explore::explore_randomly(run, {.schedules = 100}, 7);
    });
    EXPECT_EQ(report.schedules, 100u);
    EXPECT_TRUE(first_steps == 0 || first_steps == report.steps);
    first_steps = report.steps;
  }
}

}  // namespace
}  // namespace nodezero::verify
