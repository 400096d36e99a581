// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <functional>
#include <signal.h>
#include <thread>

namespace nodezero::apps {

/// Holds back Ctrl-C and its kin (SIGINT, SIGTERM, SIGHUP), and SIGUSR1, while it lives. Make it
/// before any other thread, because threads inherit what is blocked: a signal to a thread that does
/// not block it would end the program.
class SignalBlock {
 public:
  SignalBlock();
  ~SignalBlock();
  SignalBlock(const SignalBlock&) = delete;
  SignalBlock& operator=(const SignalBlock&) = delete;

  const sigset_t& signals() const { return blocked_; }

 private:
  sigset_t blocked_{};
  sigset_t before_{};
};

/// Turns the blocked signals into a call. A thread of its own waits for them, so that no code
/// runs inside a signal handler. The first one calls `on_first` there, also if it came before
/// the watcher; the second ends the program at once with the shell's code for it. Each SIGUSR1
/// calls `on_user_signal` instead.
class SignalWatcher {
 public:
  SignalWatcher(const SignalBlock& block, std::function<void()> on_first,
                std::function<void()> on_user_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  /// The first signal that came, or 0.
  int first_signal() const { return first_signal_; }

 private:
  void watch();

  sigset_t watched_;
  std::function<void()> on_first_;
  std::function<void()> on_user_signal_;
  std::atomic<int> first_signal_ = 0;
  std::atomic<bool> done_ = false;
  std::thread thread_;
};

/// The exit code by which shells tell that a signal ended a program.
int exit_code_of_signal(int signal);

}  // namespace nodezero::apps
