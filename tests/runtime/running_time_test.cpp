// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/running_time.hpp"

#include <gtest/gtest.h>

namespace nodezero::runtime {
namespace {

using namespace std::chrono_literals;

TEST(RunningTime, IsThatOfTheSystemWhileTheProcessRuns) {
  const RunningTime::Clock::time_point start{};
  RunningTime time(start);
  for (auto now = start; now < start + 1h; now += 1s) {
    time.look(now);
  }
  time.look(start + 1h + 3s);
  EXPECT_EQ(time.stopped(), 0s);
}

TEST(RunningTime, LeavesOutStops) {
  const RunningTime::Clock::time_point start{};
  RunningTime time(start);
  time.look(start + 10h);
  EXPECT_EQ(time.stopped(), 10h - RunningTime::interval);
  time.look(start + 10h + 1s);
  time.look(start + 11h + 1s);
  EXPECT_EQ(time.stopped(), 11h - 2 * RunningTime::interval);
}

}  // namespace
}  // namespace nodezero::runtime
