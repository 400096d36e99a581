// SPDX-License-Identifier: BSD-3-Clause

// Actors as they are: typed and dynamic, functions and classes, with everything that CAF lets them
// do between two messages.

#include <set>

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"
#include "support/handlers.hpp"

namespace nodezero::explore {
namespace {

using put = caf::atom_constant<caf::atom("put")>;
using get = caf::atom_constant<caf::atom("get")>;
using tick = caf::atom_constant<caf::atom("tick")>;

/// Collects what each run ends with.
template <class Outcome>
struct Ends {
  std::set<Outcome> all;
  Result of(const std::function<std::function<Outcome()>(World&)>& program, Options options = {}) {
    return explore(
        [this, program](World& world) {
          auto outcome = program(world);
          world.at_end("", [this, outcome] {
            all.insert(outcome());
            return true;
          });
        },
        options);
  }
};

struct list_state {
  std::vector<int> got;
  static inline const char* name = "list";
};

caf::behavior list(caf::stateful_actor<list_state>* self) {
  return {[self](int value) { self->state.got.push_back(value); }};
}

std::function<std::vector<int>()> contents(World& world, const caf::actor& actor) {
  return [&world, actor] { return world.state<list_state>(actor).got; };
}

using Lists = std::set<std::vector<int>>;

TEST(Actors, MessagesOfDifferentSendersComeInAnyOrder) {
  for (const auto search : {Search::states, Search::orders}) {
    Options options;
    options.search = search;
    Ends<std::vector<int>> ends;
    const auto result = ends.of(
        [](World& world) {
          const auto to = world.spawn(list);
          world.send(to, 1);
          world.send(to, 2);
          return contents(world, to);
        },
        options);
    EXPECT_TRUE(result.ok() && result.complete) << result;
    EXPECT_EQ(ends.all, (Lists{{1, 2}, {2, 1}}));
  }
}

TEST(Actors, MessagesOfOneSenderStayInOrderAlsoIfItIsAnonymous) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto to = world.spawn(list);
    for (int i = 0; i < 2; ++i) {
      const auto from = world.spawn([to, i](caf::event_based_actor*) -> caf::behavior {
        return {[to, i](int value) {
          caf::anon_send(to, 10 * i + value);
          caf::anon_send(to, 10 * i + value + 1);
        }};
      });
      world.stateless(from);
      world.send(from, 1);
    }
    return contents(world, to);
  });
  EXPECT_TRUE(result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{1, 2, 11, 12},
                             {1, 11, 2, 12},
                             {1, 11, 12, 2},
                             {11, 1, 2, 12},
                             {11, 1, 12, 2},
                             {11, 12, 1, 2}}));
}

/// A tells C and then B, and B tells C.
Lists told(bool network) {
  Ends<std::vector<int>> ends;
  Options options;
  options.network = network;
  const auto result = ends.of(
      [](World& world) {
        const auto c = world.spawn(list);
        const auto b = world.spawn([c](caf::stateful_actor<list_state>* self) -> caf::behavior {
          return {[self, c](put) { self->send(c, 2); }};
        });
        const auto a = world.spawn([b, c](caf::stateful_actor<list_state>* self) -> caf::behavior {
          return {[self, b, c](tick) {
            self->send(c, 1);
            self->send(b, put::value);
          }};
        });
        world.send(a, tick::value);
        world.send(c, 3);
        return contents(world, c);
      },
      options);
  EXPECT_TRUE(result.ok() && result.complete) << result;
  return ends.all;
}

TEST(Actors, AMessageComesAfterWhatCausedItInOneProcess) {
  EXPECT_EQ(told(false), (Lists{{1, 2, 3}, {1, 3, 2}, {3, 1, 2}}));
}

TEST(Actors, AMessageMayOvertakeWhatCausedItOnANetwork) {
  EXPECT_EQ(told(true), (Lists{{1, 2, 3}, {1, 3, 2}, {3, 1, 2}, {2, 1, 3}, {2, 3, 1}, {3, 2, 1}}));
}

TEST(Actors, ADelegatedRequestIsAnsweredByTheOther) {
  const auto result = explore([](World& world) {
    const auto inner = world.spawn(actor_of([](get, int value) { return value + 1; }));
    const auto outer = world.spawn([inner](caf::event_based_actor* self) -> caf::behavior {
      return {[=](get, int value) { return self->delegate(inner, get::value, value); }};
    });
    const auto answer = world.ask<int>(outer, get::value, 4);
    world.at_end("the answer is 5", [answer] { return answer.value() == 5; });
  });
  EXPECT_TRUE(result.ok()) << result;
}

class counter : public caf::event_based_actor {
 public:
  using caf::event_based_actor::event_based_actor;
  const char* name() const override { return "counter"; }
  void fingerprint(Hasher& hasher) const { hasher.add(count_); }
  int count() const { return count_; }

 protected:
  caf::behavior make_behavior() override {
    return {[this](put) { ++count_; }, [this](get) { return count_; }};
  }

 private:
  int count_ = 0;
};

TEST(Actors, AClassWithAFingerprintHasStates) {
  const auto result = explore([](World& world) {
    const auto actor = world.spawn<counter>();
    for (int i = 0; i < 5; ++i) {
      world.send(actor, put::value);
    }
    const auto answer = world.ask<int>(actor, get::value);
    world.always("it counts", [answer] { return !answer.arrived() || answer.value() <= 5; });
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(result.search, Search::states);
}

struct watcher_state {
  std::vector<int> seen;
  static inline const char* name = "watcher";
};

TEST(Actors, DownMessagesMayOvertakeOthers) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto watcher = world.spawn([](caf::stateful_actor<watcher_state>* self) -> caf::behavior {
      self->set_down_handler([self](caf::down_msg&) { self->state.seen.push_back(0); });
      return {[self](caf::actor whom) { self->monitor(whom); },
              [self](int value) { self->state.seen.push_back(value); }};
    });
    const auto mortal = world.spawn([watcher](caf::event_based_actor* self) -> caf::behavior {
      self->send(watcher, caf::actor_cast<caf::actor>(self));
      return {[self, watcher](put) {
        self->send(watcher, 1);
        self->quit();
      }};
    });
    world.send(mortal, put::value);
    return [&world, watcher] { return world.state<watcher_state>(watcher).seen; };
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{0, 1}, {1, 0}}));
}

TEST(Actors, ALinkedActorEndsAsWell) {
  const auto result = explore([](World& world) {
    const auto one = world.spawn(list);
    const auto other = world.spawn([one](caf::event_based_actor* self) -> caf::behavior {
      self->link_to(one);
      return {[self](put) { self->quit(caf::exit_reason::user_shutdown); }};
    });
    world.send(other, put::value);
    world.at_end("both have ended", [&world, one] { return !world.is_alive(one); });
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
}

TEST(Actors, DelayedMessagesComeWhenNothingElseHappens) {
  const auto program = [](World& world) {
    const auto to = world.spawn([](caf::stateful_actor<list_state>* self) -> caf::behavior {
      self->delayed_send(self, std::chrono::hours(1), 1);
      self->delayed_send(self, std::chrono::minutes(1), 2);
      return {[self](int value) { self->state.got.push_back(value); }};
    });
    world.send(to, 3);
    return contents(world, to);
  };
  Options options;
  options.time = std::chrono::hours(2);
  Ends<std::vector<int>> ends;
  const auto result = ends.of(program, options);
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{3, 2, 1}}));
  options.time = std::chrono::minutes(2);
  const auto shorter = ends.of(program, options);
  EXPECT_TRUE(shorter.ok());
  EXPECT_FALSE(shorter.complete);
  EXPECT_GT(shorter.cut_off, 0u);
}

TEST(Actors, TimeoutsOfTheSameMomentComeInAnyOrder) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto to = world.spawn(list);
    for (int i = 1; i <= 2; ++i) {
      world.spawn([to, i](caf::stateful_actor<watcher_state>* self) -> caf::behavior {
        self->delayed_send(self, std::chrono::seconds(1), tick::value);
        return {[self, to, i](tick) { self->send(to, i); }};
      });
    }
    return contents(world, to);
  });
  EXPECT_TRUE(result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{1, 2}, {2, 1}}));
}

TEST(Actors, ARequestThatIsNotAnsweredEndsByItsTimeout) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto silent = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      auto kept = std::make_shared<std::vector<caf::response_promise>>();
      return {[=](get) { kept->push_back(self->make_response_promise()); }};
    });
    const auto to = world.spawn([silent](caf::stateful_actor<list_state>* self) -> caf::behavior {
      self->request(silent, std::chrono::seconds(1), get::value)
          .then([self](int value) { self->state.got.push_back(value); },
                [self](caf::error& error) {
                  self->state.got.push_back(error == caf::sec::request_timeout ? -1 : -2);
                });
      return {[](put) {}};
    });
    return contents(world, to);
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{-1}}));
}

TEST(Actors, WhatIsPutOffIsTakenUpFirst) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto to = world.spawn([](caf::stateful_actor<list_state>* self) -> caf::behavior {
      self->set_default_handler(caf::skip);
      return {
          [self](put) { self->become([self](int value) { self->state.got.push_back(value); }); }};
    });
    const auto from = world.spawn([to](caf::stateful_actor<watcher_state>* self) -> caf::behavior {
      return {[self, to](tick) {
        self->send(to, 1);
        self->send(to, put::value);
        self->send(to, 2);
      }};
    });
    world.send(from, tick::value);
    return contents(world, to);
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{1, 2}}));
}

TEST(Actors, AwaitPutsOffEverythingElse) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto server = world.spawn(actor_of([](get) { return 7; }));
    const auto to = world.spawn([server](caf::stateful_actor<list_state>* self) -> caf::behavior {
      self->request(server, caf::infinite, get::value).await([self](int value) {
        self->state.got.push_back(value);
      });
      return {[self](int value) { self->state.got.push_back(value); }};
    });
    world.send(to, 1);
    return contents(world, to);
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{7, 1}}));
}

TEST(Actors, MaySpawnInHandlers) {
  Ends<std::vector<int>> ends;
  const auto result = ends.of([](World& world) {
    const auto to = world.spawn(list);
    const auto maker = world.spawn([to](caf::event_based_actor* self) -> caf::behavior {
      return {[=](put, int value) {
        self->spawn([=](caf::event_based_actor* worker) { worker->send(to, value); });
      }};
    });
    world.send(maker, put::value, 1);
    world.send(maker, put::value, 2);
    return contents(world, to);
  });
  EXPECT_TRUE(result.ok() && result.complete) << result;
  EXPECT_EQ(ends.all, (Lists{{1, 2}, {2, 1}}));
}

TEST(Actors, WhatTheyPrintIsNotShown) {
  testing::internal::CaptureStdout();
  explore([](World& world) {
    world.spawn([](caf::event_based_actor* self) { caf::aout(self) << "hello" << std::endl; });
  });
  EXPECT_EQ(testing::internal::GetCapturedStdout(), "");
}

}  // namespace
}  // namespace nodezero::explore
