// SPDX-License-Identifier: BSD-3-Clause
#include <fstream>
#include <thread>
#include <unistd.h>

#include <gtest/gtest.h>

#include "nodezero/trainer.hpp"
#include "support/executors.hpp"
#include "support/models.hpp"

namespace nodezero::testing {
namespace {

std::size_t resident_bytes() {
  std::size_t pages = 0, resident = 0;
  std::ifstream("/proc/self/statm") >> pages >> resident;
  return resident * static_cast<std::size_t>(sysconf(_SC_PAGESIZE));
}

/// Creates a trainer, has it do something, more the higher `cycle` is, and destroys it.
void cycle(int cycle, Running running) {
  auto options = small_options();
  options.running = running;
  options.execute = cycle % 2 == 0 ? Executor(run_at_once) : Executor(forget);
  auto trainer = Trainer::create(small_model(), options);
  ASSERT_TRUE(trainer) << trainer.error().message;
  for (std::uint64_t i = 0; i < 4; ++i) {
    ASSERT_TRUE(trainer->submit(examples_of(i)));
  }
  if (running == Running::stepped) {
    ASSERT_TRUE(trainer->step(1 + static_cast<std::uint64_t>(cycle) % 200));
  }
  if (cycle % 7 == 0) {
    ASSERT_TRUE(trainer->save());
  }
}

TEST(Cycles, TenThousandTrainersLeaveNeitherMemoryNorThreads) {
  wait_for_end_of_threads();
  std::size_t bytes = 0;
  for (int i = 0; i < 10'000; ++i) {
    cycle(i, i % 100 == 0 ? Running::own_threads
             : i % 3 == 0 ? Running::host_executor
                          : Running::stepped);
    if (i == 2'000) {
      bytes = resident_bytes();
    }
  }
  wait_for_end_of_threads();
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  EXPECT_LT(resident_bytes(), bytes + (2U << 20U));
#else
  EXPECT_GT(bytes, 0u);  // sanitizers keep what was freed
#endif
}

TEST(Cycles, TwoThreadsOfTheHostHaveTrainersSideBySide) {
  std::thread other([] {
    for (int i = 0; i < 300; ++i) {
      cycle(i, i % 50 == 0 ? Running::own_threads : Running::stepped);
    }
  });
  for (int i = 0; i < 300; ++i) {
    cycle(i, i % 50 == 25 ? Running::own_threads : Running::stepped);
  }
  other.join();
}

}  // namespace
}  // namespace nodezero::testing
