// SPDX-License-Identifier: BSD-3-Clause

// The explorer that other programs use, NodeZero::explore, with the actors of a whole run as they
// are, the real kernels included: the ones that train in production.

#include <optional>
#include <string>

#include <gtest/gtest.h>

#include "model/storage/digest.hpp"
#include "nodezero/explore/explore.hpp"
#include "runtime/system_config.hpp"
#include "support/tiny_run.hpp"

namespace nodezero::actors::testing {
namespace {

using nodezero::explore::Options;
using nodezero::explore::Search;
using nodezero::explore::World;

/// One epoch of two steps by two workers and two lanes.
RunSettings small_run() {
  auto settings = tiny_settings();
  settings.spheres = 2;
  settings.threads = 2;
  settings.training.epochs = 1;
  settings.training_batches = std::make_shared<CountedBatches>(
      std::vector<std::vector<std::uint32_t>>{{3, 2}}, settings.training.model.context,
      settings.training.model.vocabulary);
  return settings;
}

struct Config : caf::actor_system_config {
  Config() { runtime::configure(*this, runtime::Scheduling::testing); }
};

TEST(PublicExplorer, FindsTheSameWeightsInEveryOrderOfARealRun) {
  const auto settings = small_run();
  Observer nobody;
  std::optional<std::string> digest;
  Options options;
  options.search = Search::random;
  options.schedules = 30;
  Config config;
  const auto result = nodezero::explore::explore(
      config,
      [&](World& world) {
        const auto run = spawn_run(world.system(), runtime::Scheduling::testing, settings, nobody);
        const auto ended = world.ask<run_ended>(run.driver, run_all{});
        world.at_end("the run ends well, with the weights of every other order",
                     [&digest, run, ended] {
                       if (!ended.has_value() || ended.value().reason) {
                         return false;
                       }
                       const auto weights = model::digest(*ended.value().checkpoint.weights);
                       return weights == *(digest ? digest : digest = weights);
                     });
      },
      options);
  EXPECT_TRUE(result.ok()) << result;
  EXPECT_EQ(result.schedules, 30u);
  EXPECT_TRUE(digest);
}

/// And many at once, so that a schedule stays short.
caf::behavior spawns_others(caf::event_based_actor* self) {
  return {[self](int number) {
    for (int i = 0; i < 100; ++i) {
      self->spawn([](caf::event_based_actor*) {});
    }
    self->send(self->spawn(spawns_others), number);
  }};
}

TEST(PublicExplorer, NamesARunThatSpawnsWithoutEnd) {
  Config config;
  const auto result = nodezero::explore::explore(
      config, [](World& world) { world.send(world.spawn(spawns_others), 1); });
  ASSERT_FALSE(result.ok());
  EXPECT_NE(result.problem.find("spawns actors without end"), std::string::npos) << result;
}

}  // namespace
}  // namespace nodezero::actors::testing
