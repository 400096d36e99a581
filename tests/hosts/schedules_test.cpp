// SPDX-License-Identifier: BSD-3-Clause

// Several machines in one process, without threads: each schedule delivers the messages in another
// order, has hosts die and others join at other moments, and ends with the same weights.

#include <algorithm>

#include <gtest/gtest.h>

#include "hosts/support/machines.hpp"

namespace nodezero::actors::testing {
namespace {

TEST(Schedules, OfMachinesThatLiveEndWithTheSameWeights) {
  for (const std::uint32_t n : {1U, 2U, 7U, 8U}) {
    const auto settings = settings_of(n);
    const std::string expected = alone(settings);
    for (const std::uint32_t hosts : {0U, 1U, 2U, 3U}) {
      for (std::uint64_t seed = 0; seed < 4; ++seed) {
        Machines machines(settings, hosts, seed);
        for (std::uint32_t i = 0; i < hosts; ++i) {
          machines.join();
        }
        machines.start();
        while (machines.step()) {
        }
        ASSERT_TRUE(machines.has_ended()) << n << " " << hosts << " " << seed;
        ASSERT_EQ(machines.digest(), expected) << n << " " << hosts << " " << seed;
      }
    }
  }
}

TEST(Schedules, WithDeathsAndJoinsAtAnyMomentEndWithTheSameWeights) {
  const auto settings = settings_of(7);
  const std::string expected = alone(settings);
  std::size_t lost = 0;
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Machines machines(settings, 1, seed);
    machines.join();
    machines.join();
    machines.start();
    // A run takes some thousand deliveries.
    const std::size_t every = 60 + machines.below(600);
    std::size_t deliveries = 0;
    while (machines.step()) {
      if (++deliveries % every == 0 && deliveries / every < 20) {
        machines.below(2) == 0 ? machines.kill() : machines.join();
      }
      if (deliveries % 10'000 == 0) {
        machines.join();  // or the run might wait for a first one for ever
      }
    }
    if (!machines.has_ended()) {
      machines.join();  // it waits for the one that it was to begin with
      while (machines.step()) {
      }
    }
    ASSERT_TRUE(machines.has_ended()) << seed;
    ASSERT_EQ(machines.digest(), expected) << seed;
    lost += static_cast<std::size_t>(std::ranges::count_if(
        machines.notices(),
        [](const std::string& notice) { return notice.find("go to") != std::string::npos; }));
  }
  EXPECT_GT(lost, 20);  // in the middle of a step
}

TEST(Schedules, WhereTheOneWhoIsAuditedDiesEndWithTheSameWeights) {
  const auto settings = settings_of(7);
  const std::string expected = alone(settings);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Machines machines(settings, 2, seed, 1.0);
    machines.join();
    machines.join();
    machines.start();
    for (std::size_t left = 200 + machines.below(1'500); left > 0 && machines.step(); --left) {
    }
    machines.kill();
    while (machines.step()) {
    }
    ASSERT_TRUE(machines.has_ended()) << seed;
    ASSERT_EQ(machines.digest(), expected) << seed;
  }
}

}  // namespace
}  // namespace nodezero::actors::testing
