// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/broker.hpp"

#include <chrono>
#include <future>

#include <gtest/gtest.h>

#include "actors/serving/door.hpp"
#include "actors/serving/service.hpp"

namespace nodezero::actors {
namespace {

struct WithSockets : caf::actor_system_config {
  WithSockets() { allow_sockets(*this); }
};

/// Ends at its first tick, and tells when it is freed.
class short_lived : public broker {
 public:
  short_lived(caf::actor_config& config, std::promise<void>& freed)
      : broker(config), freed_(freed) {}
  ~short_lived() override { freed_.set_value(); }

 protected:
  caf::behavior make_behavior() override {
    return {[this](const serving_tick&) { quit(); }};
  }

 private:
  std::promise<void>& freed_;
};

TEST(Broker, IsFreedThoughItHasSentItselfSomethingThatCameTooLate) {
  std::promise<void> freed;
  WithSockets config;
  caf::actor_system system(config);
  {
    caf::actor_config unit{&system.middleman().backend()};
    const auto actor = system.spawn_impl<short_lived, caf::no_spawn_options>(unit, freed);
    caf::anon_send(actor, serving_tick{});
    caf::scoped_actor(system)->wait_for(actor);
    caf::send_as(actor, actor, serving_tick{});
  }
  // A bound for the test to end if it is not.
  EXPECT_EQ(freed.get_future().wait_for(std::chrono::seconds(20)), std::future_status::ready);
}

}  // namespace
}  // namespace nodezero::actors
