// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/crash_dump.hpp"

#include <array>
#include <atomic>
#include <csignal>
#include <string>
#include <unistd.h>

namespace nodezero::apps {

namespace {

struct Fault {
  int signal;
  const char* name;
};
constexpr std::array<Fault, 4> faults = {
    Fault{SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"}, {SIGFPE, "SIGFPE"}, {SIGABRT, "SIGABRT"}};

// Global because a signal handler can reach nothing else. The paths are built in advance.
std::atomic<runtime::trace::Recorder*> dumped_recorder{nullptr};
std::array<std::string, faults.size()> dump_paths;

void say(const char* text) {
  [[maybe_unused]] const auto ignored = write(STDERR_FILENO, text, __builtin_strlen(text));
}

void handle(int signal) {
  auto* recorder = dumped_recorder.exchange(nullptr);
  for (std::size_t i = 0; recorder != nullptr && i < faults.size(); ++i) {
    if (faults[i].signal == signal && recorder->dump_in_signal_handler(dump_paths[i].c_str())) {
      say("nodezero: ");
      say(faults[i].name);
      say(": the last messages were written to ");
      say(dump_paths[i].c_str());
      say("\n");
    }
  }
  // The default action has been restored and ends the program when this handler returns.
  raise(signal);
}

}  // namespace

CrashDump::CrashDump(runtime::trace::Recorder& recorder,
                     const std::function<std::filesystem::path(const std::string&)>& path_of) {
  for (std::size_t i = 0; i < faults.size(); ++i) {
    dump_paths[i] = path_of(faults[i].name).string();
  }
  dumped_recorder = &recorder;
  struct sigaction action {};
  action.sa_handler = handle;
  action.sa_flags = static_cast<int>(SA_RESETHAND | SA_ONSTACK);
  for (const auto& fault : faults) {
    sigaction(fault.signal, &action, nullptr);
  }
}

CrashDump::~CrashDump() {
  for (const auto& fault : faults) {
    std::signal(fault.signal, SIG_DFL);
  }
  dumped_recorder = nullptr;
}

}  // namespace nodezero::apps
