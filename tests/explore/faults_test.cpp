// SPDX-License-Identifier: BSD-3-Clause

// What may go wrong if it is asked for: losses, duplicates, late messages, timeouts out of turn and
// deaths; in both complete searches, and in the same way again from a schedule's text.

#include <set>

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"
#include "support/handlers.hpp"

namespace nodezero::explore {
namespace {

using put = caf::atom_constant<caf::atom("put")>;
using get = caf::atom_constant<caf::atom("get")>;
using tick = caf::atom_constant<caf::atom("tick")>;

struct list_state {
  std::vector<int> got;
  static inline const char* name = "list";
};
struct sender_state {
  static inline const char* name = "sender";
};

caf::behavior list(caf::stateful_actor<list_state>* self) {
  return {[self](int value) { self->state.got.push_back(value); }};
}

using Lists = std::set<std::vector<int>>;

/// Sends 1 and 2 to a list, with one fault.
class Faulty : public testing::TestWithParam<Search> {
 protected:
  Lists ends_with(void (*allow)(Faults&)) {
    Options options;
    options.search = GetParam();
    options.faults.most = 1;
    allow(options.faults);
    Lists ends;
    result_ = explore(
        [&ends](World& world) {
          const auto to = world.spawn(list);
          world.may_die(to);
          world.spawn([to](caf::stateful_actor<sender_state>* self) {
            self->send(to, 1);
            self->send(to, 2);
          });
          world.at_end("", [&world, &ends, to] {
            ends.insert(world.is_alive(to) ? world.state<list_state>(to).got
                                           : std::vector<int>{-1});
            return true;
          });
        },
        options);
    EXPECT_TRUE(result_.ok() && result_.complete) << result_;
    return ends;
  }
  Result result_;
};

TEST_P(Faulty, AMessageIsLost) {
  EXPECT_EQ(ends_with([](Faults& faults) { faults.lost = true; }), (Lists{{1, 2}, {1}, {2}}));
}
TEST_P(Faulty, AMessageComesTwice) {
  EXPECT_EQ(ends_with([](Faults& faults) { faults.duplicated = true; }),
            (Lists{{1, 2}, {1, 2, 1}, {1, 2, 2}}));
}
TEST_P(Faulty, AMessageIsOvertaken) {
  EXPECT_EQ(ends_with([](Faults& faults) { faults.late = true; }), (Lists{{1, 2}, {2, 1}}));
}
TEST_P(Faulty, AnActorDies) {
  EXPECT_EQ(ends_with([](Faults& faults) { faults.deaths = true; }), (Lists{{1, 2}, {-1}}));
}

INSTANTIATE_TEST_SUITE_P(Searches, Faulty, testing::Values(Search::states, Search::orders),
                         [](const auto& info) {
                           return info.param == Search::states ? "states" : "orders";
                         });

/// Two timers, and a message that is on its way.
Lists timers(void (*allow)(Faults&)) {
  Options options;
  options.faults.most = 1;
  allow(options.faults);
  Lists ends;
  const auto result = explore(
      [&ends](World& world) {
        const auto to = world.spawn([](caf::stateful_actor<list_state>* self) -> caf::behavior {
          self->delayed_send(self, std::chrono::seconds(1), 1);
          self->delayed_send(self, std::chrono::seconds(2), 2);
          return {[self](int value) { self->state.got.push_back(value); }};
        });
        world.send(to, 3);
        world.at_end("", [&world, &ends, to] {
          ends.insert(world.state<list_state>(to).got);
          return true;
        });
      },
      options);
  EXPECT_TRUE(result.ok() && result.complete) << result;
  return ends;
}

TEST(FaultyTime, ATimeoutComesEarly) {
  EXPECT_EQ(timers([](Faults& faults) { faults.early_timeouts = true; }),
            (Lists{{3, 1, 2}, {1, 3, 2}}));
}
TEST(FaultyTime, ATimeoutComesLate) {
  EXPECT_EQ(timers([](Faults& faults) { faults.late_timeouts = true; }),
            (Lists{{3, 1, 2}, {3, 2, 1}}));
}

TEST(FaultySchedules, AreFollowedAgain) {
  const Scenario setup = [](World& world) {
    const auto server = world.spawn(actor_of([](get) { return 1; }));
    world.name(server, "server");
    world.ask<int>(server, get::value);
  };
  Options options;
  options.search = Search::orders;
  options.faults.most = 1;
  options.faults.lost = true;
  const auto result = explore(setup, options);
  EXPECT_EQ(
      result.problem,
      "a request is never answered: client 2 waits for the answer to a message from server 1");
  ASSERT_EQ(result.deliveries.size(), 2u) << result;
  EXPECT_EQ(result.deliveries[1],
            "fault: this will not happen, the message is lost: client 2 gets the answer 1 from "
            "server 1");
  EXPECT_EQ(result.schedule, "2>1 -1>2");
  options.replay = result.schedule;
  EXPECT_EQ(explore(setup, options).problem, result.problem);
}

}  // namespace
}  // namespace nodezero::explore
