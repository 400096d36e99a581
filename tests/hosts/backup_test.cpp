// SPDX-License-Identifier: BSD-3-Clause

// What a slow machine has not computed is computed by another one as well, and the weights are
// those of one machine, whoever is first.

#include <algorithm>

#include <gtest/gtest.h>

#include "hosts/support/machines.hpp"

namespace nodezero::actors::testing {
namespace {

constexpr auto long_enough = std::chrono::seconds(1);  // for a machine to count as slow

void join(Machines& machines, std::uint32_t hosts) {
  for (std::uint32_t i = 0; i < hosts; ++i) {
    machines.join();
    while (machines.step()) {
    }
  }
}

std::vector<std::string> backups_of(const Machines& machines) {
  std::vector<std::string> backups;
  std::ranges::copy_if(
      machines.notices(), std::back_inserter(backups),
      [](const std::string& notice) { return notice.find("first") != std::string::npos; });
  return backups;
}

/// The notices of a run in whose first step a machine computes nothing until another has done so.
std::vector<std::string> run_with_a_slow(std::size_t machine, std::uint32_t hosts) {
  const auto settings = settings_of(8);
  Machines machines(settings, hosts, 1);
  join(machines, hosts);
  machines.hold(machine);
  machines.start();
  while (machines.step()) {
  }
  EXPECT_EQ(backups_of(machines).size(), 0);  // it has its time
  machines.pass(long_enough);
  while (machines.step()) {
  }
  EXPECT_EQ(backups_of(machines).size(), 1);
  machines.release();
  while (machines.step()) {
  }
  EXPECT_TRUE(machines.has_ended());
  EXPECT_EQ(machines.digest(), alone(settings));
  return backups_of(machines);
}

TEST(Backup, ComputesWhatASlowHostHasNotFinished) {
  const auto notices = run_with_a_slow(1, 1);
  ASSERT_EQ(notices.size(), 1);
  EXPECT_EQ(notices[0],
            "host host-1 is slow at step 1: the root has computed 4 of its micro-batches first");
}

TEST(Backup, ComputesWhatASlowRootHasNotFinished) {
  const auto notices = run_with_a_slow(0, 1);
  ASSERT_EQ(notices.size(), 1);
  EXPECT_EQ(notices[0],
            "the root is slow at step 1: host host-1 has computed 4 of its micro-batches first");
}

TEST(Backup, LeavesTheWeightsAsTheyAreWhoeverIsFirst) {
  std::size_t used = 0;
  std::size_t unused = 0;
  for (const std::uint32_t n : {7U, 8U}) {
    const auto settings = settings_of(n);
    const std::string expected = alone(settings);
    for (std::uint64_t seed = 0; seed < 60; ++seed) {
      const std::uint32_t hosts = 1 + seed % 2;
      Machines machines(settings, hosts, seed);
      join(machines, hosts);
      machines.start();
      for (std::size_t left = machines.below(600); left > 0 && machines.step(); --left) {
      }
      machines.hold(machines.below(1 + hosts));
      while (machines.step()) {
      }
      machines.pass(long_enough);
      for (std::size_t left = machines.below(60); left > 0 && machines.step(); --left) {
      }
      machines.release();
      while (machines.step()) {
      }
      ASSERT_TRUE(machines.has_ended()) << n << " " << seed;
      ASSERT_EQ(machines.digest(), expected) << n << " " << seed;
      ++(backups_of(machines).empty() ? unused : used);
    }
  }
  EXPECT_GT(used, 20);
  EXPECT_GT(unused, 20);
}

TEST(Backup, MayLoseTheSlowOneOrTheHelper) {
  const auto settings = settings_of(7);
  const std::string expected = alone(settings);
  for (std::uint64_t seed = 0; seed < 60; ++seed) {
    Machines machines(settings, 2, seed);
    join(machines, 2);
    machines.hold(machines.below(3));
    machines.start();
    while (machines.step()) {
    }
    machines.pass(long_enough);
    for (std::size_t left = machines.below(120); left > 0 && machines.step(); --left) {
    }
    machines.kill();
    for (std::size_t left = machines.below(120); left > 0 && machines.step(); --left) {
    }
    machines.release();
    while (machines.step()) {
    }
    ASSERT_TRUE(machines.has_ended()) << seed;
    ASSERT_EQ(machines.digest(), expected) << seed;
  }
}

}  // namespace
}  // namespace nodezero::actors::testing
