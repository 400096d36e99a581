// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/signals.hpp"

#include <array>
#include <unistd.h>
#include <utility>

namespace nodezero::apps {

namespace {

/// What ends a run in order: from a person, and from batch systems, which send a signal of theirs
/// some time before they kill. SIGXCPU is a limit of processor time.
constexpr std::array ending_signals = {SIGINT, SIGTERM, SIGHUP, SIGUSR2, SIGXCPU};

/// True if the program was started with this signal ignored, as nohup and shells that run
/// something in the background do.
bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

SignalBlock::SignalBlock() {
  sigemptyset(&blocked_);
  sigaddset(&blocked_, SIGUSR1);
  for (const int signal : ending_signals) {
    if (!is_ignored(signal)) {
      sigaddset(&blocked_, signal);
    }
  }
  pthread_sigmask(SIG_BLOCK, &blocked_, &before_);
}

SignalBlock::~SignalBlock() {
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

SignalWatcher::SignalWatcher(const SignalBlock& block, std::function<void()> on_first,
                             std::function<void()> on_user_signal)
    : watched_(block.signals()),
      on_first_(std::move(on_first)),
      on_user_signal_(std::move(on_user_signal)),
      thread_([this] { watch(); }) {}

SignalWatcher::~SignalWatcher() {
  done_ = true;
  // Wakes the thread; nobody else sees this signal.
  pthread_kill(thread_.native_handle(), SIGUSR1);
  thread_.join();
}

void SignalWatcher::watch() {
  while (true) {
    int signal = 0;
    sigwait(&watched_, &signal);
    if (done_) {
      return;
    }
    if (signal == SIGUSR1) {
      on_user_signal_();
      continue;
    }
    if (first_signal_ != 0) {
      _exit(exit_code_of_signal(signal));
    }
    first_signal_ = signal;
    on_first_();
  }
}

int exit_code_of_signal(int signal) {
  return 128 + signal;
}

}  // namespace nodezero::apps
