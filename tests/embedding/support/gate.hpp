// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <functional>
#include <future>
#include <mutex>
#include <string>
#include <thread>

namespace nodezero::testing {

/// Where a model or a callback waits until the test lets it go on.
class Gate {
 public:
  /// Waits until the gate is open.
  void pass() {
    std::unique_lock lock(mutex_);
    has_arrived_ = true;
    changed_.notify_all();
    changed_.wait(lock, [this] { return is_open_; });
  }
  /// Waits until somebody has come to the gate.
  void await_arrival() {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return has_arrived_; });
  }
  void open() {
    const std::lock_guard lock(mutex_);
    is_open_ = true;
    changed_.notify_all();
  }

 private:
  std::mutex mutex_;
  std::condition_variable changed_;
  bool has_arrived_ = false;
  bool is_open_ = false;
};

/// Makes the call on a thread of its own, which creates and uses what it needs there. A call that
/// has not returned after a long time never will: then the whole program fails at once, because
/// nothing that the call uses can be taken away.
inline void must_return(const std::string& what, const std::function<void()>& call) {
  std::promise<void> returned;
  auto future = returned.get_future();
  std::thread thread([&] {
    call();
    returned.set_value();
  });
  if (future.wait_for(std::chrono::minutes(1)) != std::future_status::ready) {
    std::fprintf(stderr, "%s never returns\n", what.c_str());
    std::_Exit(1);
  }
  thread.join();
}

}  // namespace nodezero::testing
