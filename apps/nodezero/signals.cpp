#include "apps/nodezero/signals.hpp"

#include <unistd.h>

namespace nodezero::apps {

namespace {

/// True if the program was started with this signal ignored, as nohup does.
bool is_ignored(int signal) {
  struct sigaction action {};
  sigaction(signal, nullptr, &action);
  return action.sa_handler == SIG_IGN;
}

}  // namespace

SignalWatcher::SignalWatcher(std::function<void(int signal)> on_first)
    : on_first_(std::move(on_first)) {
  sigemptyset(&watched_);
  sigaddset(&watched_, SIGINT);
  sigaddset(&watched_, SIGTERM);
  if (!is_ignored(SIGHUP)) {
    sigaddset(&watched_, SIGHUP);
  }
  pthread_sigmask(SIG_BLOCK, &watched_, &before_);
  thread_ = std::thread([this] { watch(); });
}

SignalWatcher::~SignalWatcher() {
  done_ = true;
  // Wakes the thread; the signal is not seen by anybody else.
  pthread_kill(thread_.native_handle(), SIGTERM);
  thread_.join();
  pthread_sigmask(SIG_SETMASK, &before_, nullptr);
}

void SignalWatcher::watch() {
  while (true) {
    int signal = 0;
    sigwait(&watched_, &signal);
    if (done_) {
      return;
    }
    if (first_signal_ != 0) {
      _exit(exit_code_of_signal(signal));
    }
    first_signal_ = signal;
    on_first_(signal);
  }
}

int exit_code_of_signal(int signal) {
  return 128 + signal;
}

}  // namespace nodezero::apps
