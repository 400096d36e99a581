#pragma once

#include <atomic>
#include <functional>
#include <signal.h>
#include <thread>

namespace nodezero::apps {

/// Turns Ctrl-C and its kin (SIGINT, SIGTERM, SIGHUP) into a call. While it lives, a thread
/// of its own waits for these signals: no code runs inside a signal handler. The first one
/// calls `on_first`; the second ends the program at once with the shell's code for it.
/// Make it before any other thread, so that all threads inherit the blocked signals.
class SignalWatcher {
 public:
  explicit SignalWatcher(std::function<void(int signal)> on_first);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  /// The first signal that came, or 0.
  int first_signal() const { return first_signal_; }

 private:
  void watch();

  std::function<void(int)> on_first_;
  sigset_t watched_{};
  sigset_t before_{};
  std::atomic<int> first_signal_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

/// The exit code by which shells tell that a signal ended a program.
int exit_code_of_signal(int signal);

}  // namespace nodezero::apps
