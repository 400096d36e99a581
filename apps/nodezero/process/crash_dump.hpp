// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

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
};

}  // namespace nodezero::apps
