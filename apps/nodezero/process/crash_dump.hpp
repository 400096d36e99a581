// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "runtime/alternate_stack.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::apps {

/// While this object lives, a fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGABRT) first writes the
/// recorder's ring to trace-<signal>.nztrace in the folder. At most one may exist at a time.
class CrashDump {
 public:
  CrashDump(runtime::trace::Recorder& recorder, const std::filesystem::path& folder);
  ~CrashDump();
  CrashDump(const CrashDump&) = delete;
  CrashDump& operator=(const CrashDump&) = delete;

 private:
  runtime::AlternateStack alternate_stack_;  ///< of this thread; the run's threads have theirs
};

}  // namespace nodezero::apps
