// SPDX-License-Identifier: BSD-3-Clause

// The searches against each other: whatever every order of small programs made at random can end
// in, the searches that leave orders out end in as well.

#include <algorithm>
#include <random>
#include <set>

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"
#include "support/handlers.hpp"

namespace nodezero::explore {
namespace {

struct step {
  int to = 0;
  int value = 0;
};
using Script = std::vector<std::vector<step>>;  ///< by number of the message: what is sent then

struct node_state {
  std::vector<int> got;
  bool quits = false;
  static inline const char* name = "node";
};

caf::behavior node(caf::stateful_actor<node_state>* self, const Script* script,
                   std::shared_ptr<std::vector<caf::actor>> others, int quits_after) {
  return {[=](int value) {
    auto& got = self->state.got;
    got.push_back(value);
    if (got.size() <= script->size()) {
      for (const auto& [to, what] : (*script)[got.size() - 1]) {
        self->send((*others)[static_cast<std::size_t>(to)], 100 * value % 1000 + what);
      }
    }
    if (static_cast<int>(got.size()) == quits_after) {
      self->quit();
    }
  }};
}

using Outcome = std::vector<std::vector<int>>;

/// Three nodes that send to one another by scripts, and at most one of which ends after some
/// messages.
class Programs : public testing::TestWithParam<unsigned> {
 protected:
  Programs() {
    std::mt19937 random(GetParam());
    const auto below = [&](unsigned bound) { return static_cast<int>(random() % bound); };
    for (int i = 0; i < 3; ++i) {
      Script script;
      for (int k = 0; k < 2; ++k) {
        script.emplace_back();
        for (int n = below(2); n > 0; --n) {
          script.back().push_back({below(3), 1 + below(9)});
        }
      }
      scripts_.push_back(script);
    }
    for (int i = 0; i < 3; ++i) {
      quits_after_.push_back(below(4) == 0 ? 1 + below(2) : 100);
    }
    first_ = {below(3), below(3), below(3)};
  }

  std::set<Outcome> ends(Options options) {
    std::set<Outcome> all;
    result_ = explore(
        [&](World& world) {
          const auto nodes = std::make_shared<std::vector<caf::actor>>();
          for (std::size_t i = 0; i < 3; ++i) {
            nodes->push_back(world.spawn(node, &scripts_[i], nodes, quits_after_[i]));
          }
          for (std::size_t i = 0; i < first_.size(); ++i) {
            world.send((*nodes)[static_cast<std::size_t>(first_[i])], static_cast<int>(i) + 1);
          }
          world.at_end("", [&world, &all, nodes] {
            Outcome outcome;
            for (const auto& actor : *nodes) {
              outcome.push_back(world.is_alive(actor) ? world.state<node_state>(actor).got
                                                      : std::vector<int>{-1});
            }
            all.insert(outcome);
            return true;
          });
        },
        options);
    EXPECT_TRUE(result_.ok() && result_.complete) << result_;
    return all;
  }

  std::vector<Script> scripts_;
  std::vector<int> quits_after_;
  std::vector<int> first_;
  Result result_;
};

TEST_P(Programs, EndInTheSameWhateverTheSearch) {
  for (const bool network : {false, true}) {
    Options every;
    every.network = network;
    every.search = Search::orders;
    every.all_dependent = true;
    const auto expected = ends(every);
    const auto schedules = result_.schedules;
    Options orders;
    orders.network = network;
    orders.search = Search::orders;
    EXPECT_EQ(ends(orders), expected);
    EXPECT_LE(result_.schedules, schedules);
    Options states;
    states.network = network;
    states.search = Search::states;
    EXPECT_EQ(ends(states), expected);
    EXPECT_EQ(result_.search, Search::states);
  }
}

TEST_P(Programs, EndInNothingElseInOneProcessThanOnANetwork) {
  Options options;
  options.search = Search::states;
  const auto local = ends(options);
  options.network = true;
  const auto remote = ends(options);
  EXPECT_TRUE(std::includes(remote.begin(), remote.end(), local.begin(), local.end()));
}

INSTANTIATE_TEST_SUITE_P(Random, Programs, testing::Range(0U, 60U));

TEST(Searches, TheReductionFollowsOneOrderOfIndependentSteps) {
  const Scenario setup = [](World& world) {
    for (int i = 0; i < 5; ++i) {
      world.send(world.spawn(actor_of([](int) {})), i);
    }
  };
  Options options;
  options.search = Search::orders;
  EXPECT_EQ(explore(setup, options).schedules, 1u);
  options.all_dependent = true;
  EXPECT_EQ(explore(setup, options).schedules, 120u);
}

/// Two actors that share a number: what the reduction assumes is wrong of them.
TEST(Searches, WhatIsSharedIsSeenIfAllStepsAreDependent) {
  const Scenario setup = [](World& world) {
    const auto shared = std::make_shared<int>(0);
    for (int i = 0; i < 2; ++i) {
      world.send(world.spawn(actor_of([shared](int value) { *shared = 10 * *shared + value; })),
                 i + 1);
    }
    world.at_end("the first comes first", [shared] { return *shared == 12; });
  };
  Options options;
  options.search = Search::orders;
  EXPECT_TRUE(explore(setup, options).ok());
  options.all_dependent = true;
  EXPECT_EQ(explore(setup, options).problem, "the first comes first");
}

TEST(Searches, ASeedGivesTheSameScheduleAgain) {
  const Scenario setup = [](World& world) {
    const auto to = world.spawn([](caf::stateful_actor<node_state>* self) -> caf::behavior {
      return {[self](int value) { self->state.got.push_back(value); }};
    });
    for (int i = 0; i < 4; ++i) {
      world.send(to, i);
    }
    world.at_end("not in order", [&world, to] {
      return world.state<node_state>(to).got != std::vector<int>{3, 2, 1, 0};
    });
  };
  for (const auto search : {Search::random, Search::priorities}) {
    Options options;
    options.search = search;
    options.seed = 5;
    const auto once = explore(setup, options);
    const auto again = explore(setup, options);
    EXPECT_EQ(once.problem, "not in order");
    EXPECT_EQ(once.schedule, again.schedule);
    EXPECT_EQ(once.schedules, again.schedules);
  }
}

}  // namespace
}  // namespace nodezero::explore
