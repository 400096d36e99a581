// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <string>

#include "runtime/alternate_stack.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::apps {

/// While this object lives, a fatal signal (SIGSEGV, SIGBUS, SIGFPE, SIGABRT) first writes the
/// recorder's ring to a file. At most one may exist at a time.
class CrashDump {
 public:
  /// `path_of` says where the dump goes for the signal of that name.
  CrashDump(runtime::trace::Recorder& recorder,
            const std::function<std::filesystem::path(const std::string&)>& path_of);
  ~CrashDump();
  CrashDump(const CrashDump&) = delete;
  CrashDump& operator=(const CrashDump&) = delete;

 private:
  runtime::AlternateStack alternate_stack_;  ///< of this thread; the run's threads have theirs
};

}  // namespace nodezero::apps
