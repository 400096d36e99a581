// SPDX-License-Identifier: BSD-3-Clause

// The smallest use of the library, from a lost update to its fix.

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"

namespace nodezero::explore {
namespace {

struct account_state {
  int balance = 100;
  static inline const char* name = "account";
};
using get_balance = caf::atom_constant<caf::atom("get")>;
using set_balance = caf::atom_constant<caf::atom("set")>;
using deposit = caf::atom_constant<caf::atom("deposit")>;
using account_actor =
    caf::typed_actor<caf::replies_to<get_balance>::with<int>, caf::reacts_to<set_balance, int>,
                     caf::replies_to<deposit, int>::with<int>>;

account_actor::behavior_type account(account_actor::stateful_pointer<account_state> self) {
  return {
      [self](get_balance) { return self->state.balance; },
      [self](set_balance, int balance) { self->state.balance = balance; },
      [self](deposit, int amount) { return self->state.balance += amount; },
  };
}

/// Reads, adds, writes.
void careless(caf::event_based_actor* self, account_actor account, int amount) {
  self->request(account, caf::infinite, get_balance::value).then([=](int balance) {
    self->send(account, set_balance::value, balance + amount);
  });
}

void pay_in_twice(World& world) {
  auto target = world.spawn(account);
  world.spawn(careless, target, 10);
  world.spawn(careless, target, 20);
  world.at_end("both deposits are there",
               [&world, target] { return world.state<account_state>(target).balance == 130; });
}

TEST(Bank, ALostUpdateIsFound) {
  const auto result = explore(pay_in_twice);
  EXPECT_FALSE(result.ok());
  EXPECT_EQ(result.problem, "both deposits are there");
  EXPECT_EQ(result.search, Search::orders);
  EXPECT_EQ(result.deliveries.size(), 6u) << result;
}

TEST(Bank, AScheduleIsFollowedAgain) {
  const auto result = explore(pay_in_twice);
  const auto again = explore(pay_in_twice, replay(result.schedule));
  EXPECT_EQ(again.problem, result.problem);
  EXPECT_EQ(again.deliveries, result.deliveries);
  EXPECT_EQ(again.schedules, 1u);
}

TEST(Bank, TheFixIsExploredWhole) {
  const auto result = explore([](World& world) {
    auto target = world.spawn(account);
    world.ask<int>(target, deposit::value, 10);
    world.ask<int>(target, deposit::value, 20);
    world.at_end("both deposits are there",
                 [&world, target] { return world.state<account_state>(target).balance == 130; });
  });
  EXPECT_TRUE(result.ok()) << result;
  EXPECT_TRUE(result.complete);
  EXPECT_EQ(result.search, Search::states);
}

}  // namespace
}  // namespace nodezero::explore
