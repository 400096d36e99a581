// SPDX-License-Identifier: BSD-3-Clause

// What a schedule does not decide must not decide anything: dependences on an address, on the
// order of a hash table and on the clock, planted in toy actors, are found at their step.

#include "verify/explore/repeat.hpp"

#include <chrono>
#include <memory>
#include <unordered_set>

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"
#include "support/toys.hpp"

namespace nodezero::verify::explore {

using namespace runtime;
namespace {

class RepeatTest : public testing::Test {
 protected:
  struct Config : caf::actor_system_config {
    Config() { configure(*this, Scheduling::testing); }
  };

  /// A toy that passes five numbers on; what it makes of the third is planted.
  void plant(std::function<int()> third) {
    toys_.build = [third](Toys& toys) {
      const auto last = toys.actors[toys.spawn()];
      const auto first = toys.spawn([last, third](toy& self, int value) {
        self.send(last, Number{value == 3 ? third() : value});
      });
      for (int i = 1; i <= 5; ++i) {
        toys.inject(first, i);
      }
    };
  }

  /// The numbers to the first toy, then those that it passed on.
  std::optional<Departure> find() {
    explore::Run run(system_, toys_, {});
    run.restart();
    std::vector<Choice> steps;
    while (!run.over()) {
      steps.push_back(run.choices().front());
      run.take(steps.back());
    }
    return find_departure(run, steps, 4);
  }

  Config config_;
  caf::actor_system system_{config_};
  Toys toys_;
};

void expect_at_the_third_number(const std::optional<Departure>& found) {
  ASSERT_TRUE(found);
  // All messages of the first link come before those of the next.
  EXPECT_EQ(found->step, 3u);
  EXPECT_EQ(found->what, "what is on its way from toy 2 to toy 1");
}

TEST_F(RepeatTest, NothingIsFoundWhereNothingIsPlanted) {
  plant([] { return 3; });
  EXPECT_FALSE(find());
}

TEST_F(RepeatTest, AnAddressIsFoundAtItsStep) {
  plant([] {
    const auto block = std::make_unique<char[]>(200);
    return static_cast<int>(reinterpret_cast<std::uintptr_t>(block.get()) >> 4U & 0xffffffU);
  });
  expect_at_the_third_number(find());
}

TEST_F(RepeatTest, TheOrderOfAHashTableIsFoundAtItsStep) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "what a sanitizer allocates lies at the same distances each time";
#endif
  plant([] {
    std::vector<std::unique_ptr<int>> owners;
    std::unordered_set<const int*> table;
    for (int i = 0; i < 12; ++i) {
      owners.push_back(std::make_unique<int>(i));
      table.insert(owners.back().get());
    }
    Fingerprint order;
    for (const int* value : table) {
      order.add(static_cast<std::uint64_t>(*value));
    }
    return static_cast<int>(order.value() & 0xffffffU);
  });
  expect_at_the_third_number(find());
}

TEST_F(RepeatTest, TheClockIsFoundAtItsStep) {
  plant([] {
    const auto now = std::chrono::steady_clock::now().time_since_epoch();
    return static_cast<int>(now.count() & 0xffffffU);
  });
  expect_at_the_third_number(find());
}

TEST_F(RepeatTest, ADrawnScheduleIsRunTwice) {
  plant([] { return 3; });
  explore::Run run(system_, toys_, {});
  const auto report = explore_twice(run, {.schedules = 50}, 1);
  EXPECT_EQ(report.schedules, 50u);
  EXPECT_FALSE(report.counterexample);
  plant([count = std::make_shared<int>(0)] { return ++*count; });
  explore::Run other(system_, toys_, {});
  const auto planted = explore_twice(other, {.schedules = 50}, 1);
  ASSERT_TRUE(planted.counterexample);
  EXPECT_NE(planted.counterexample->rule.find("led elsewhere the second time"), std::string::npos);
}

}  // namespace
}  // namespace nodezero::verify::explore
