// SPDX-License-Identifier: BSD-3-Clause

// One run after the other, and the hosts that go from one to the next.

#include "actors/hosts/hosts_of_run.hpp"

#include <stdexcept>

#include <gtest/gtest.h>

#include "hosts/support/machines.hpp"
#include "nodezero/multilayer_perceptron.hpp"

namespace nodezero::actors::testing {
namespace {

/// Has the rest of a run fail to be made.
class Unfinished : public OtherMachines {
 public:
  explicit Unfinished(OtherMachines& others) : others_(others) {}

  void configure(caf::actor_system_config&) override {}
  sphere_actor spawn(caf::actor_system& system, const RunSettings& settings,
                     const ActorsOfRun& run) override {
    const auto sphere = others_.spawn(system, settings, run);
    caf::anon_send_exit(sphere, caf::exit_reason::kill);
    throw std::runtime_error("no room");
  }
  void begin(caf::actor_system&, const sphere_actor&) override {}
  void end() override {}

 private:
  OtherMachines& others_;
};

TEST(HostsOfRun, GoToTheNextRunOnlyIfItCouldBeMade) {
  Machines machines(settings_of(4), 1, 0);
  const auto settle = [&] {
    while (machines.step()) {
    }
  };
  machines.join();
  machines.start();
  settle();
  ASSERT_TRUE(machines.has_ended());
  Unfinished unfinished(machines.others());
  EXPECT_THROW(machines.follow(unfinished), std::runtime_error);
  settle();
  EXPECT_EQ(machines.host_ends(), std::vector<std::string>());
  machines.follow(machines.others());
  settle();
  EXPECT_EQ(
      machines.host_ends(),
      std::vector<std::string>{"put out of the run: another run follows in the same program"});
}

/// Counts how often weights are drawn.
class Drawn : public MultilayerPerceptron {
 public:
  explicit Drawn(std::shared_ptr<int> times) : MultilayerPerceptron({1, 1}), times_(times) {}
  void initialize(std::uint64_t, Tensors) const { ++*times_; }

 private:
  std::shared_ptr<int> times_;
};

TEST(HostsOfRun, DoOneSelfTestForRunsOfTheSameModelAndConfiguration) {
  const auto times = std::make_shared<int>(0);
  auto settings = settings_of(4);
  settings.trained = model::host_model(make_trainable(Drawn(times))).value();
  settings.initial_weights = std::make_shared<model::Parameters>(settings.trained->layout());
  Machines machines(settings, 0, 0);
  machines.follow(machines.others());
  EXPECT_EQ(*times, 1);
  ++machines.settings().training.seed;
  machines.follow(machines.others());
  EXPECT_EQ(*times, 2);
  machines.settings().trained = model::host_model(make_trainable(Drawn(times))).value();
  machines.follow(machines.others());
  EXPECT_EQ(*times, 3);
}

}  // namespace
}  // namespace nodezero::actors::testing
