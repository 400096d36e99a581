// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/crash_dump.hpp"

#include <csignal>
#include <filesystem>
#include <unistd.h>

#include <gtest/gtest.h>

namespace nodezero::apps {
namespace {

/// Calls itself until the stack is used up. Its result depends on every call, so that none is left
/// out.
// NOLINTNEXTLINE(misc-no-recursion)
int use_up_the_stack(int depth) {
  volatile char frame[4096];
  frame[depth % 4096] = static_cast<char>(depth);
  return depth < 0 ? 0 : use_up_the_stack(depth + 1) + frame[(depth * 7) % 4096];
}

TEST(CrashDump, IsWrittenWhenTheStackIsUsedUp) {
#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
  GTEST_SKIP() << "the sanitizer has a handler of its own for this signal";
#endif
  GTEST_FLAG_SET(death_test_style, "threadsafe");
  const auto folder =
      std::filesystem::temp_directory_path() / ("nodezero-crash-" + std::to_string(::getpid()));
  const auto crash = [&] {
    std::filesystem::create_directories(folder);
    runtime::trace::Recorder::Options options;
    options.ring = std::chrono::seconds(60);
    const auto recorder = runtime::trace::Recorder::make(options).value();
    const CrashDump dump(*recorder, [&](const std::string& signal) {
      return folder / ("trace-" + signal + ".nztrace");
    });
    std::exit(use_up_the_stack(1));
  };
  EXPECT_EXIT(crash(), testing::KilledBySignal(SIGSEGV), "trace-SIGSEGV.nztrace");
  std::filesystem::remove_all(folder);
}

}  // namespace
}  // namespace nodezero::apps
