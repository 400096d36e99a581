// SPDX-License-Identifier: BSD-3-Clause

// What actors do in place for others, or share, must not be taken to commute where it does not: a
// search with the reduction reaches the ends that a search of all orders reaches.

#include <algorithm>
#include <memory>
#include <vector>

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"
#include "support/toys.hpp"
#include "verify/explore/exhaustive.hpp"

namespace nodezero::verify::explore {

using namespace runtime;
namespace {

/// Toys whose messages to `place` are handled as soon as one of `users` sends them, and which
/// share a number.
class ToysInPlace : public Toys {
 public:
  std::size_t place = 0;
  std::vector<std::size_t> users;
  bool share = false;
  int shared = 0;

  void begin(caf::actor_system& in, Network& on) override {
    shared = 0;
    Toys::begin(in, on);
  }
  bool in_place(const Delivery& delivery) const override {
    // An exit says who sends it by the link alone.
    const auto by = [&](std::size_t user) { return delivery.link.sender == user + 1; };
    return delivery.link.receiver == place + 1 &&
           (std::ranges::any_of(users, by) || *delivery.type == typeid(caf::exit_msg));
  }
  bool shares(const char*) const override { return share; }
  std::uint64_t shared_digest() const override { return static_cast<std::uint64_t>(shared); }
  std::uint64_t digest() const override { return shared_digest(); }
};

class ReductionTest : public testing::Test {
 protected:
  struct Config : caf::actor_system_config {
    Config() { configure(*this, Scheduling::testing); }
  };

  void expect_ends(std::uint64_t count) {
    explore::Run run(system_, toys_, {});
    const auto whole = explore_all(run, {}, false);
    const auto reduced = explore_all(run, {}, true);
    EXPECT_TRUE(whole.complete && reduced.complete);
    EXPECT_EQ(whole.ends, count);
    EXPECT_EQ(reduced.ends, count);
  }

  /// A toy that hands on what it gets.
  static toy::Handler to(const caf::actor& next) {
    return [next](toy& self, int value) { self.send(next, Number{value}); };
  }

  Config config_;
  caf::actor_system system_{config_};
  ToysInPlace toys_;
};

TEST_F(ReductionTest, TwoHaveAThirdHandleSomethingInPlace) {
  toys_.build = [&](Toys& toys) {
    toys_.place = toys.spawn();
    toys_.users = {toys.spawn(to(toys.actors[toys_.place])),
                   toys.spawn(to(toys.actors[toys_.place]))};
    toys.inject(toys_.users[0], 1);
    toys.inject(toys_.users[1], 2);
  };
  expect_ends(2);  // in either order
}

TEST_F(ReductionTest, OneEndsInPlaceWhomTheOtherAsks) {
  toys_.build = [&](Toys& toys) {
    const auto last = toys.spawn();
    toys_.place = toys.spawn(to(toys.actors[last]));
    const caf::actor asked = toys.actors[toys_.place];
    const auto ends =
        toys.spawn([asked](toy& self, int) { self.send_exit(asked, caf::exit_reason::kill); });
    toys_.users = {ends, toys.spawn(to(asked))};
    toys.inject(toys_.users[0], 1);
    toys.inject(toys_.users[1], 2);
  };
  expect_ends(2);  // the number comes through or not
}

TEST_F(ReductionTest, OneChangesInPlaceWhomAMessageIsOnItsWayTo) {
  toys_.build = [&](Toys& toys) {
    const auto last = toys.actors[toys.spawn()];
    const auto& record = toys.records.emplace_back();  // so that it can look at what it got
    toys_.place = toys.actors.size();
    toys.actors.push_back(
        toys.system->spawn<toy>(toys.records.back(), [last, &record](toy& self, int value) {
          if (record.got.front() == 2) {
            self.send(last, Number{value});
          }
        }));
    toys.network->settle();
    toys_.users = {toys.spawn(to(toys.actors[toys_.place]))};
    toys.inject(toys_.users[0], 1);
    toys.inject(toys_.place, 2);
  };
  expect_ends(2);
}

TEST_F(ReductionTest, OneChangesWhatTheOtherReads) {
  toys_.place = 100;
  toys_.share = true;
  toys_.build = [&](Toys& toys) {
    const auto last = toys.actors[toys.spawn()];
    const auto writes = toys.spawn([this](toy&, int value) { toys_.shared = value; });
    const auto reads =
        toys.spawn([this, last](toy& self, int) { self.send(last, Number{toys_.shared}); });
    toys.inject(writes, 1);
    toys.inject(reads, 2);
  };
  expect_ends(2);
}

TEST_F(ReductionTest, WhatOnlyReadsInPlaceCommutes) {
  toys_.share = true;
  toys_.place = 100;
  toys_.build = [&](Toys& toys) {
    for (int i = 0; i < 3; ++i) {
      toys.inject(toys.spawn(), i);
    }
  };
  expect_ends(1);
  explore::Run run(system_, toys_, {});
  EXPECT_LT(explore_all(run, {}, true).states, explore_all(run, {}, false).states);
}

TEST_F(ReductionTest, WhoIsTheLastToLetGoOfAnActorMakesNoDifference) {
  toys_.place = 100;
  toys_.build = [&](Toys& toys) {
    const caf::actor held = toys.system->spawn<toy>(toys.records.emplace_back(), nullptr);
    toys.network->settle();
    for (int i = 0; i < 4; ++i) {
      const auto handle = std::make_shared<caf::actor>();
      if (i < 2) {
        *handle = held;
      }
      toys.inject(toys.spawn([handle](toy&, int) { *handle = nullptr; }), i);
    }
  };
  expect_ends(1);
  explore::Run run(system_, toys_, {});
  EXPECT_EQ(explore_all(run, {}, false).states, 16u);
  EXPECT_EQ(explore_all(run, {}, true).states, 5u);
}

}  // namespace
}  // namespace nodezero::verify::explore
