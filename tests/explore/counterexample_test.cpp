// SPDX-License-Identifier: BSD-3-Clause

// A counterexample is shrunk, and can be read, followed and opened as a trace.

#include <filesystem>

#include <gtest/gtest.h>

#include "nodezero/explore/explore.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::explore {
namespace {

using get = caf::atom_constant<caf::atom("get")>;
using set = caf::atom_constant<caf::atom("set")>;

struct account_state {
  int balance = 0;
  static inline const char* name = "account";
};
struct client_state {
  static inline const char* name = "clerk";
};

/// Two clerks read and write one account; three others disturb them without need.
void lose_an_update(World& world) {
  const auto account = world.spawn([](caf::stateful_actor<account_state>* self) -> caf::behavior {
    return {[self](get) { return self->state.balance; },
            [self](set, int balance) { self->state.balance = balance; }};
  });
  for (int i = 0; i < 2; ++i) {
    world.spawn([account](caf::stateful_actor<client_state>* self) {
      self->request(account, caf::infinite, get::value).then([=](int balance) {
        self->send(account, set::value, balance + 1);
      });
    });
  }
  const auto bystander =
      world.spawn([](caf::stateful_actor<client_state>*) -> caf::behavior { return {[](get) {}}; });
  for (int i = 0; i < 3; ++i) {
    world.send(bystander, get::value);
  }
  world.at_end("an update is lost",
               [&world, account] { return world.state<account_state>(account).balance == 2; });
}

TEST(Counterexample, IsShrunkAndInWords) {
  Options options;
  options.search = Search::random;
  const auto result = explore(lose_an_update, options);
  EXPECT_EQ(result.problem, "an update is lost");
  EXPECT_EQ(result.deliveries.size(), 9u) << result;  // a rule about the end needs a whole run
  EXPECT_NE(std::find(result.deliveries.begin(), result.deliveries.end(),
                      "clerk 2 gets the answer 0 from account 1"),
            result.deliveries.end())
      << result;
  EXPECT_NE(to_string(result).find("  1. "), std::string::npos);
  EXPECT_EQ(result.diagram.rfind("sequenceDiagram\n", 0), 0u);
  EXPECT_NE(result.diagram.find("an update is lost"), std::string::npos);
}

TEST(Counterexample, IsATrace) {
  const auto file =
      std::filesystem::temp_directory_path() / "nodezero_explore_counterexample.trace";
  Options options;
  options.trace_file = file.string();
  const auto result = explore(lose_an_update, options);
  ASSERT_EQ(result.problem, "an update is lost");
  EXPECT_EQ(result.trace_error, "");
  const auto trace = runtime::trace::read_trace(file);
  std::filesystem::remove(file);
  ASSERT_TRUE(trace) << trace.error().message;
  EXPECT_TRUE(trace->completeness.complete());
  ASSERT_EQ(trace->actors.size(), 5u);
  EXPECT_EQ(trace->actors[1].name, "account");
  EXPECT_EQ(trace->actors[2].name, "clerk");
  std::size_t handled = 0;
  for (const auto& message : trace->messages) {
    EXPECT_GT(message.sent, 0u);
    EXPECT_LT(message.sent, message.begun);
    handled += message.ended > message.begun ? 1 : 0;
  }
  EXPECT_EQ(handled, result.deliveries.size());
}

TEST(Counterexample, SaysWhyThereIsNoTrace) {
  Options options;
  options.trace_file = "/nonexistent/folder/file.trace";
  const auto result = explore(lose_an_update, options);
  EXPECT_EQ(result.problem, "an update is lost");
  EXPECT_NE(result.trace_error, "");
}

}  // namespace
}  // namespace nodezero::explore
