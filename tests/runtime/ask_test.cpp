// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/ask.hpp"

#include <gtest/gtest.h>

#include "runtime/system_config.hpp"

namespace nodezero::runtime {
namespace {

using doubler_actor = caf::typed_actor<Answers<int, int>>;

/// Doubles positive numbers, keeps silent about zero and dies of negative ones.
class doubler : public recorded<doubler_actor::base> {
 public:
  explicit doubler(caf::actor_config& config) : recorded(config) {}
  void on_exit() override { unanswered_ = {}; }

 protected:
  behavior_type make_behavior() override {
    return {[this](int number) -> caf::result<int> {
      if (number < 0) {
        quit(caf::exit_reason::user_shutdown);
      }
      if (number <= 0) {
        unanswered_ = make_response_promise<int>();
        return unanswered_;
      }
      return 2 * number;
    }};
  }

 private:
  caf::typed_response_promise<int> unanswered_;
};

struct Config : caf::actor_system_config {
  Config() { configure(*this, Scheduling::threads); }
};

TEST(Ask, BringsTheAnswerOutOfTheActorWorld) {
  Config config;
  caf::actor_system system(config);
  const auto handle = system.spawn<doubler>();
  const auto answer = ask<int>(system, handle, 21).get();
  ASSERT_TRUE(answer);
  EXPECT_EQ(*answer, 42);
  caf::anon_send_exit(handle, caf::exit_reason::kill);
}

TEST(Ask, EndsWhenTheReceiverDiesWithoutAnswering) {
  Config config;
  caf::actor_system system(config);
  const auto handle = system.spawn<doubler>();
  EXPECT_FALSE(ask<int>(system, handle, -1).get());
  EXPECT_FALSE(ask<int>(system, handle, 1).get());  // and when it has been dead for long
}

TEST(SystemConfig, StartsNoThreadUnderTheTestingScheduler) {
  struct Testing : caf::actor_system_config {
    Testing() { configure(*this, Scheduling::testing); }
  } config;
  caf::actor_system system(config);
  const auto handle = spawn_computing<doubler>(system, Scheduling::testing);
  auto answer = ask<int>(system, caf::actor_cast<doubler_actor>(handle), 4);
  EXPECT_EQ(answer.wait_for(std::chrono::seconds(0)), std::future_status::timeout);
  auto& scheduler = dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler());
  scheduler.run();
  EXPECT_EQ(*answer.get(), 8);
  caf::anon_send_exit(handle, caf::exit_reason::kill);
  scheduler.run();
}

}  // namespace
}  // namespace nodezero::runtime
