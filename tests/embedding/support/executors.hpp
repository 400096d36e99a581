// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <deque>
#include <functional>
#include <mutex>
#include <stdexcept>
#include <thread>
#include <vector>

#include "nodezero/trainer.hpp"

namespace nodezero::testing {

/// Jobs that wait for whoever serves them.
class JobQueue {
 public:
  /// The queue must outlive what the executor is given to.
  Executor executor() {
    return [this](std::function<void()> job) {
      const std::lock_guard lock(mutex_);
      jobs_.push_back(std::move(job));
      has_job_.notify_one();
    };
  }
  /// Runs jobs until none waits.
  void serve() {
    while (const auto job = take(false)) {
      job();
    }
  }
  /// Waits for a job and runs it; false after close() if none is left.
  bool serve_one() {
    const auto job = take(true);
    if (job) {
      job();
    }
    return job != nullptr;
  }
  void close() {
    const std::lock_guard lock(mutex_);
    is_closed_ = true;
    has_job_.notify_all();
  }

 private:
  std::function<void()> take(bool waits) {
    std::unique_lock lock(mutex_);
    if (waits) {
      has_job_.wait(lock, [this] { return is_closed_ || !jobs_.empty(); });
    }
    if (jobs_.empty()) {
      return nullptr;
    }
    auto job = std::move(jobs_.front());
    jobs_.pop_front();
    return job;
  }

  std::mutex mutex_;
  std::condition_variable has_job_;
  std::deque<std::function<void()>> jobs_;
  bool is_closed_ = false;
};

/// Threads of a host that run jobs, all of them before it ends.
class Pool {
 public:
  explicit Pool(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) {
      threads_.emplace_back([this] {
        while (queue_.serve_one()) {
        }
      });
    }
  }
  ~Pool() {
    queue_.close();
    for (auto& thread : threads_) {
      thread.join();
    }
  }
  Executor executor() { return queue_.executor(); }

 private:
  JobQueue queue_;
  std::vector<std::thread> threads_;
};

/// Runs the job inside of the call.
inline void run_at_once(std::function<void()> job) {
  job();
}

/// Drops the job.
inline void forget(std::function<void()>) {}

inline void refuse_to_run(std::function<void()>) {
  throw std::runtime_error("the executor is full");
}

}  // namespace nodezero::testing
