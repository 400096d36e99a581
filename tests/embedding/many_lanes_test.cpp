// SPDX-License-Identifier: BSD-3-Clause

// Trainers with as many lanes as options allow, again and again. With CAF's own threads the end of
// more than 256 of them could wait for ever.

#include <fstream>
#include <sys/resource.h>

#include <gtest/gtest.h>

#include "support/models.hpp"

namespace nodezero::testing {
namespace {

/// Whether the limits of the user and the container leave room for so many threads.
bool has_room_for(std::uint64_t threads) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NPROC, &limit) == 0 && limit.rlim_cur < threads) {
    return false;
  }
  std::ifstream pids("/sys/fs/cgroup/pids.max");
  std::uint64_t most = 0;
  return !(pids >> most) || most > threads;  // "max" is no number
}

class ManyLanes : public ::testing::TestWithParam<std::uint32_t> {};

TEST_P(ManyLanes, EndFiftyTimes) {
  if (!has_room_for(GetParam() + 200)) {
    GTEST_SKIP() << "this machine does not allow so many threads";
  }
  auto options = small_options();
  options.running = Running::own_threads;
  options.threads = GetParam();
  for (int cycle = 0; cycle < 50; ++cycle) {
    auto trainer = Trainer::create(small_model(), options);
    ASSERT_TRUE(trainer) << trainer.error().message;
    ASSERT_TRUE(trainer->submit(examples_of(0)));
    if (cycle % 2 == 0) {
      ASSERT_TRUE(trainer->close());
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Lanes, ManyLanes, ::testing::Values(8U, 128U, 256U, 1024U));

}  // namespace
}  // namespace nodezero::testing
