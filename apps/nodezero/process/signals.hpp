// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <functional>
#include <signal.h>
#include <thread>

namespace nodezero::apps {

/// While it lives, blocks SIGUSR1 and the signals that end a run in order: SIGINT (Ctrl-C),
/// SIGTERM, SIGHUP, SIGUSR2 and SIGXCPU, except for those that the program was started with
/// ignored. Make it before any other thread: threads inherit the mask, and a signal sent to a
/// thread that does not block it would end the program.
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

/// Turns the blocked signals into calls on a thread of its own, so that no code runs inside a
/// signal handler. The first signal calls `on_first`, even if it arrived before the watcher
/// existed; the second ends the program at once with the shell's exit code for it. Each SIGUSR1
/// calls `on_user_signal` instead.
class SignalWatcher {
 public:
  SignalWatcher(const SignalBlock& block, std::function<void()> on_first,
                std::function<void()> on_user_signal);
  ~SignalWatcher();
  SignalWatcher(const SignalWatcher&) = delete;
  SignalWatcher& operator=(const SignalWatcher&) = delete;

  /// The first signal received, or 0.
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

/// The exit code that shells report for a program ended by this signal.
int exit_code_of_signal(int signal);

}  // namespace nodezero::apps
