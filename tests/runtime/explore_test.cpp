// SPDX-License-Identifier: BSD-3-Clause

// The explorer on toy actors, whose numbers of schedules and states can be counted by hand.

#include <filesystem>
#include <set>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"
#include "support/toys.hpp"
#include "verify/explore/exhaustive.hpp"
#include "verify/explore/replay.hpp"
#include "verify/explore/sampling.hpp"

namespace nodezero::verify::explore {

using namespace runtime;
namespace {

class ExploreTest : public testing::Test {
 protected:
  using Run = explore::Run;  // not GoogleTest's
  struct Config : caf::actor_system_config {
    Config() { configure(*this, Scheduling::testing); }
  };
  Config config_;
  caf::actor_system system_{config_};
  Toys toys_;
  Faults faults_;
  Bounds bounds_;

  Report all(bool reduced) {
    Run run(system_, toys_, faults_);
    return explore_all(run, bounds_, reduced);
  }
  Report classes() {
    Run run(system_, toys_, faults_);
    return explore_classes(run, bounds_);
  }
};

TEST_F(ExploreTest, IndependentActorsHaveFactoriallyManyOrdersAndOneClass) {
  toys_.build = [](Toys& toys) {
    for (int i = 0; i < 5; ++i) {
      toys.inject(toys.spawn(), i);
    }
  };
  const auto plain = all(false);
  EXPECT_TRUE(plain.complete);
  EXPECT_EQ(plain.orders, 120);
  EXPECT_EQ(plain.states, 32u);
  const auto reduced = all(true);
  EXPECT_TRUE(reduced.complete);
  EXPECT_EQ(reduced.schedules, 1u);
  EXPECT_EQ(reduced.states, 6u);
  EXPECT_EQ(classes().schedules, 1u);
}

TEST_F(ExploreTest, MessagesToOneActorAreAllPermuted) {
  toys_.build = [](Toys& toys) {
    const auto one = toys.spawn();
    for (int i = 1; i <= 5; ++i) {
      toys.inject(one, i);
    }
  };
  EXPECT_EQ(all(true).orders, 120);
  EXPECT_EQ(classes().schedules, 120u);
  // A state for each sequence of different messages: 5!/5! + ... + 5!/0!.
  EXPECT_EQ(all(true).states, 1u + 5 + 20 + 60 + 120 + 120);
  // If the order leaves no trace in the actor, a state for each set of messages.
  toys_.keeps_order = false;
  EXPECT_EQ(all(true).states, 32u);
}

TEST_F(ExploreTest, WhatAnActorSendsInALaterStateMayComeFirst) {
  toys_.build = [](Toys& toys) {
    const auto last = toys.spawn();
    toys.inject(last, 1);
    const auto counts = toys.spawn([to = toys.actors[last], n = 0](toy& self, int) mutable {
      if (++n == 2) {
        self.send(to, Number{9});
      }
    });
    toys.inject(counts, 5);
    toys.inject(counts, 6);
  };
  // When its first number is chosen nobody has seen yet that another may overtake it.
  std::set<std::vector<int>> sequences;
  toys_.rule = [&](const Toys& toys) {
    sequences.insert(toys.records[0].got);
    return "";
  };
  const auto report = all(true);
  EXPECT_TRUE(report.complete);
  EXPECT_EQ(report.ends, 4u);
  EXPECT_TRUE(sequences.contains({1, 9}) && sequences.contains({9, 1}));
}

TEST_F(ExploreTest, MessagesOfOneSenderStayInOrder) {
  toys_.build = [](Toys& toys) {
    const auto receiver = toys.spawn();
    const auto to = toys.actors[receiver];
    for (int sender = 0; sender < 2; ++sender) {
      toys.inject(toys.spawn([to](toy& self, int value) {
        self.send(to, Number{value});
        self.send(to, Number{value + 1});
        self.send(to, Number{value + 2});
      }),
                  10 * sender);
    }
  };
  toys_.rule = [](const Toys& toys) {
    int last[] = {-1, 9};
    for (const int value : toys.records[0].got) {
      auto& before = last[value / 10];
      if (value != before + 1) {
        return "out of order";
      }
      before = value;
    }
    return "";
  };
  const auto report = all(true);
  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.counterexample);
  EXPECT_EQ(classes().schedules, 20u);  // 6! / (3! 3!)
}

/// Negative numbers are handled with the next one.
class ToysTogether : public Toys {
 public:
  bool with_next(const Delivery& delivery) const override {
    const auto* number = delivery.as<Number>();
    return number != nullptr && number->value < 0;
  }
};

TEST_F(ExploreTest, WhatGoesWithTheNextMessageIsOneStepWithIt) {
  ToysTogether toys;
  std::set<std::vector<int>> got;
  toys.build = [](Toys& in) {
    const caf::actor last = in.actors[in.spawn()];
    const auto sends = [last](std::vector<int> values) {
      return [last, values](toy& self, int) {
        for (const int value : values) {
          self.send(last, Number{value});
        }
      };
    };
    in.inject(in.spawn(sends({-1, -2, 3})), 0);
    in.inject(in.spawn(sends({4})), 0);
  };
  toys.rule = [&](const Toys& in) {
    got.insert(in.records.front().got);
    return std::string();
  };
  Run run(system_, toys, faults_);
  for (const bool reduced : {false, true}) {
    got.clear();
    const auto report = explore_all(run, bounds_, reduced);
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.ends, 2u);
    EXPECT_EQ(report.longest, 4u);
    EXPECT_EQ(got,
              (std::set<std::vector<int>>{{}, {4}, {-1, -2, 3}, {4, -1, -2, 3}, {-1, -2, 3, 4}}));
  }
  EXPECT_EQ(explore_classes(run, bounds_).schedules, 2u);
}

TEST_F(ExploreTest, WhatWouldGoWithAMessageThatNeverComesIsDropped) {
  ToysTogether toys;
  toys.build = [](Toys& in) {
    const caf::actor last = in.actors[in.spawn()];
    in.inject(in.spawn([last](toy& self, int) {
      self.send(last, Number{-1});
      self.quit();
    }),
              0);
  };
  toys.rule = [](const Toys& in) {
    return in.records.front().got.empty() ? "" : "it was handled alone";
  };
  Run run(system_, toys, faults_);
  const auto report = explore_all(run, bounds_, true);
  EXPECT_TRUE(report.complete);
  EXPECT_FALSE(report.counterexample);
  EXPECT_EQ(report.ends, 1u);
}

TEST_F(ExploreTest, ATreeHasAsManyClassesAsOrdersOfChildren) {
  // Each of two parents gets a number of each of its three children and tells the root.
  toys_.build = [](Toys& toys) {
    const auto root = toys.actors[toys.spawn()];
    for (int i = 0; i < 2; ++i) {
      const auto parent = toys.actors[toys.spawn([root, count = 0](toy& self, int) mutable {
        if (++count == 3) {
          self.send(root, Number{1});
        }
      })];
      for (int child = 0; child < 3; ++child) {
        toys.inject(
            toys.spawn([parent](toy& self, int value) { self.send(parent, Number{value}); }),
            child);
      }
    }
  };
  EXPECT_EQ(classes().schedules, 6u * 6 * 2);
  EXPECT_EQ(all(true).complete, true);
}

/// A counter that is read, then written: three clients of which two may read the same value.
void lose_an_update(Toys& toys) {
  const auto store = toys.spawn();
  for (int i = 0; i < 3; ++i) {
    const auto client = toys.spawn([to = toys.actors[store], &toys, store](toy& self, int) {
      const int seen = static_cast<int>(toys.records[store].got.size());
      if (self.current_sender()) {
        return;
      }
      self.send(to, Number{seen});
    });
    toys.inject(client, i);
  }
  toys.inject(toys.spawn(), 7);
  toys.inject(toys.spawn(), 8);
}
std::string every_value_once(const Toys& toys) {
  const auto& got = toys.records.front().got;
  for (std::size_t i = 0; i < got.size(); ++i) {
    if (got[i] != static_cast<int>(i)) {
      return "an update was lost";
    }
  }
  return {};
}

TEST_F(ExploreTest, APlantedBugIsFoundByEverySearchAndReplaysAndShrinks) {
  toys_.build = lose_an_update;
  toys_.rule = every_value_once;
  Run run(system_, toys_, {});
  for (const auto& report :
       {explore_all(run, {}, false), explore_randomly(run, {.schedules = 1000}, 1),
        explore_by_priorities(run, {.schedules = 1000}, 1, 2)}) {
    ASSERT_TRUE(report.counterexample);
    EXPECT_EQ(report.counterexample->rule, "an update was lost");
    const auto file = std::filesystem::temp_directory_path() / "nodezero_explore_test.schedule";
    ASSERT_TRUE(write_schedule(file, ScheduleFile{"toys", report.counterexample->schedule}));
    const auto back = read_schedule(file);
    ASSERT_TRUE(back);
    EXPECT_EQ(back->header, "toys");
    for (int i = 0; i < 1000; ++i) {
      const auto again = replay(run, back->steps);
      ASSERT_EQ(again.rule, report.counterexample->rule);
      ASSERT_EQ(again.schedule, report.counterexample->schedule);
    }
    std::filesystem::remove(file);
    const auto small = shrink(run, *report.counterexample);
    EXPECT_EQ(small.rule, report.counterexample->rule);
    EXPECT_EQ(small.schedule.size(), 4u);  // two clients read, two writes
    const auto text = sequence_diagram(
        run, small, [](const Delivery& delivery) { return type_name(*delivery.type); });
    EXPECT_NE(text.find("Note over toy_1: an update was lost"), std::string::npos) << text;
  }
}

TEST_F(ExploreTest, ARunThatCannotGoOnIsADeadlock) {
  // Each waits for two numbers; one schedule of three gives one of them all.
  toys_.build = [](Toys& toys) {
    const auto one = toys.spawn();
    toys.inject(one, 1);
    toys.inject(one, 2);
  };
  toys_.is_finished = [](const Toys& toys) { return toys.records[0].got.front() == 1; };
  const auto report = all(true);
  ASSERT_TRUE(report.counterexample);
  EXPECT_EQ(report.counterexample->rule, "nothing is in flight and the run has not ended");
  EXPECT_EQ(report.counterexample->schedule.size(), 2u);
}

TEST_F(ExploreTest, ARunThatComesBackToItsStateNeedNotEnd) {
  toys_.keeps_order = false;
  toys_.build = [](Toys& toys) {
    const auto one = toys.spawn([&toys](toy& self, int value) {
      toys.records[0].got.clear();
      self.send(&self, Number{value});
    });
    toys.inject(one, 1);
  };
  const auto report = all(true);
  ASSERT_TRUE(report.counterexample);
  EXPECT_NE(report.counterexample->rule.find("need not end"), std::string::npos);
}

TEST_F(ExploreTest, FaultsHappenAnywhereAndOnlyAsOftenAsAllowed) {
  toys_.build = [](Toys& toys) {
    const auto one = toys.spawn();
    toys.inject(one, 1);
    toys.inject(one, 2);
    toys.inject_exit(one);
  };
  EXPECT_EQ(all(false).orders, 2);
  faults_.most = 1;
  // The exit before, between or after the two, or not at all; after it nothing is handled.
  std::set<std::size_t> handled;
  toys_.rule = [&](const Toys& toys) {
    handled.insert(toys.records[0].got.size());
    return "";
  };
  EXPECT_EQ(all(false).orders, 2 + 2 + 2 + 2);
  EXPECT_EQ(handled, (std::set<std::size_t>{0, 1, 2}));
  handled.clear();
  toys_.build = [](Toys& toys) { toys.inject(toys.spawn(), 1); };
  faults_ = {.most = 2, .duplicates = true, .timers = false};
  EXPECT_FALSE(all(false).counterexample);
  EXPECT_TRUE(handled.contains(3));
  EXPECT_FALSE(handled.contains(4));
}

TEST_F(ExploreTest, AnAnswerThatNeverComesEndsByItsTimeout) {
  std::vector<int> answers;
  toys_.build = [&](Toys& toys) {
    const auto server = toys.spawn();
    toys.inject_exit(server);
    toys.inject(toys.spawn([&answers, to = toys.actors[server]](toy& self, int value) {
      self.request(to, std::chrono::seconds(1), Question{value})
          .then([&](const Number& number) { answers.push_back(number.value); },
                [&](const caf::error&) { answers.push_back(-1); });
    }),
                5);
    answers.clear();
  };
  toys_.is_finished = [&](const Toys&) { return !answers.empty(); };
  std::set<std::vector<int>> ends;
  toys_.rule = [&](const Toys&) {
    ends.insert(answers);
    return "";
  };
  faults_.most = 1;
  const auto report = all(true);
  EXPECT_FALSE(report.counterexample);
  EXPECT_EQ(ends, (std::set<std::vector<int>>{{}, {5}, {-1}}));
}

}  // namespace
}  // namespace nodezero::verify::explore
