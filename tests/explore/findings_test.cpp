// SPDX-License-Identifier: BSD-3-Clause

// What is found without a rule, and what is refused.

#include <stdexcept>

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"
#include "support/handlers.hpp"

namespace nodezero::explore {
namespace {

using get = caf::atom_constant<caf::atom("get")>;
using put = caf::atom_constant<caf::atom("put")>;

TEST(Findings, ARequestThatNobodyWillAnswer) {
  const auto result = explore([](World& world) {
    const auto forgetful = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      auto kept = std::make_shared<std::vector<caf::response_promise>>();
      return {[=](get) { kept->push_back(self->make_response_promise()); }};
    });
    world.name(forgetful, "forgetful");
    world.ask<int>(forgetful, get::value);
  });
  EXPECT_EQ(result.problem,
            "a request is never answered: client 2 waits for the answer to a message from "
            "forgetful 1");
  EXPECT_EQ(result.deliveries, std::vector<std::string>{"forgetful 1 is asked by client 2: get"});
  EXPECT_EQ(result.schedule, "2>1");
  EXPECT_NE(result.diagram.find("client_2->>forgetful_1: get"), std::string::npos)
      << result.diagram;
}

TEST(Findings, AMessageThatNoHandlerTakes) {
  const auto result = explore([](World& world) {
    const auto actor = world.spawn(actor_of([](put) {}));
    world.name(actor, "picky");
    world.send(actor, put::value, 3);
  });
  EXPECT_EQ(result.problem, "no handler takes a message: picky 1 gets put 3");
}

TEST(Findings, ADownMessageThatNoHandlerTakes) {
  const auto result = explore([](World& world) {
    const auto mortal = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[self](put) { self->quit(); }};
    });
    const auto watcher = world.spawn([mortal](caf::event_based_actor* self) -> caf::behavior {
      self->monitor(mortal);
      return {[](get) {}};
    });
    world.send(mortal, put::value);
    world.at_end("", [watcher] { return watcher != nullptr; });
  });
  EXPECT_NE(result.problem.find("no handler takes a message"), std::string::npos) << result;
  EXPECT_NE(result.problem.find("is down"), std::string::npos) << result;
}

TEST(Findings, AnException) {
  const auto result = explore([](World& world) {
    const auto actor =
        world.spawn(actor_of([](put) { throw std::runtime_error("the cupboard is bare"); }));
    world.name(actor, "server");
    world.send(actor, put::value);
  });
  EXPECT_EQ(result.problem, "a handler throws: server 1: the cupboard is bare");
}

TEST(Findings, AMessageThatIsPutOffForEver) {
  const auto result = explore([](World& world) {
    const auto actor = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      self->set_default_handler(caf::skip);
      return {[](get) {}};
    });
    world.name(actor, "patient");
    world.send(actor, put::value);
  });
  EXPECT_EQ(result.problem, "a message is put off for ever: patient 1 has put off put");
}

TEST(Findings, AHandlerOfItsOwnIsNotOverruled) {
  const auto result = explore([](World& world) {
    const auto actor = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      self->set_default_handler(caf::drop);
      self->set_exception_handler([](std::exception_ptr&) -> caf::error { return {}; });
      return {[](get) { throw std::runtime_error("handled"); }};
    });
    world.send(actor, put::value);
    world.send(actor, get::value);
  });
  EXPECT_TRUE(result.ok()) << result;
}

TEST(Findings, ADetachedActorIsRefused) {
  const auto result = explore([](World& world) {
    const auto actor = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[self](put) {
        self->spawn<caf::detached>(
            [](caf::event_based_actor*) -> caf::behavior { return {[](get) {}}; });
      }};
    });
    world.name(actor, "modern");
    world.send(actor, put::value);
  });
  EXPECT_NE(result.refused.find("modern 1 spawns an actor that is detached or blocking"),
            std::string::npos)
      << result;
  EXPECT_FALSE(result.ok());
}

TEST(Findings, AScheduleThatDoesNotFitIsSaid) {
  const Scenario setup = [](World& world) {
    world.send(world.spawn(actor_of([](put) {})), put::value);
  };
  EXPECT_NE(explore(setup, replay("o1>7")).note.find("step 1 of the schedule is not possible"),
            std::string::npos);
  EXPECT_EQ(explore(setup, replay("nonsense")).refused, "'nonsense' is not a schedule");
  EXPECT_TRUE(explore(setup, replay("o1>1")).note.empty());
}

TEST(Findings, RunsThatNeverEndAreCutOff) {
  const Scenario setup = [](World& world) {
    const auto actor = world.spawn([](caf::event_based_actor* self) -> caf::behavior {
      return {[self](put) { self->send(self, put::value); }};
    });
    world.stateless(actor);
    world.send(actor, put::value);
  };
  const auto states = explore(setup);
  EXPECT_TRUE(states.ok() && states.complete) << states;
  EXPECT_EQ(states.note, "a run can come back to where it was: every order was followed");
  Options options;
  options.search = Search::orders;
  options.steps = 100;
  const auto orders = explore(setup, options);
  EXPECT_EQ(orders.cut_off, 1u);
  EXPECT_FALSE(orders.complete);
}

}  // namespace
}  // namespace nodezero::explore
