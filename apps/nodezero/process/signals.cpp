// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/process/signals.hpp"

#include <unistd.h>
#include <utility>

namespace nodezero::apps {

namespace {

/// True if the program was started with this signal ignored, as with nohup.
bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

SignalBlock::SignalBlock() {
  sigemptyset(&blocked_);
  sigaddset(&blocked_, SIGINT);
  sigaddset(&blocked_, SIGTERM);
  sigaddset(&blocked_, SIGUSR1);
  if (!is_ignored(SIGHUP)) {
    sigaddset(&blocked_, SIGHUP);
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
  pthread_kill(thread_.native_handle(), SIGTERM);
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
