// SPDX-License-Identifier: BSD-3-Clause

// What it costs to train where the host says, against threads of the trainer's own: in steps,
// inside of a host's calls, against one thread; and in jobs on a host's pool of two threads,
// against two. GPT-2 of configuration A (4 layers, width 128, 12 windows of 64 tokens a step),
// in pairs that alternate.
//
//   embedding_bench [ROUNDS [STEPS]]

#include <algorithm>
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdio>
#include <cstdlib>
#include <deque>
#include <functional>
#include <memory>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#include "nodezero/language_model.hpp"
#include "nodezero/trainer.hpp"

namespace {

using nodezero::Running;

constexpr nodezero::LanguageModel::Sizes sizes{
    .layers = 4, .heads = 4, .width = 128, .context = 64, .vocabulary = 65};
constexpr std::int64_t sequences = 12;

nodezero::TokenWindows windows_of(unsigned step, std::int64_t count) {
  nodezero::TokenWindows batch{count, sizes.context, {}, {}};
  for (unsigned i = 0; i < static_cast<unsigned>(count * sizes.context); ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>((step * 31 + i * 7) % 65));
    batch.targets.push_back(static_cast<std::int32_t>((step * 31 + i * 7 + 7) % 65));
  }
  return batch;
}

/// What a host has: threads that take jobs from a queue.
class Pool {
 public:
  explicit Pool(unsigned threads) {
    for (unsigned i = 0; i < threads; ++i) {
      threads_.emplace_back([this] { serve(); });
    }
  }
  ~Pool() { post(nullptr); }

  void post(std::function<void()> job) {
    const std::lock_guard lock(mutex_);
    jobs_.push_back(std::move(job));
    has_job_.notify_one();
  }

 private:
  void serve() {
    for (;;) {
      std::unique_lock lock(mutex_);
      has_job_.wait(lock, [this] { return !jobs_.empty(); });
      const auto job = jobs_.front();
      if (!job) {  // the end, for the other threads too
        has_job_.notify_one();
        return;
      }
      jobs_.pop_front();
      lock.unlock();
      job();
    }
  }

  std::mutex mutex_;
  std::condition_variable has_job_;
  std::deque<std::function<void()>> jobs_;
  std::vector<std::jthread> threads_;  // last: they use the rest
};

/// A trainer, and how it is told to do steps.
class Contender {
 public:
  /// A step is split between `threads`, which compute at the same time.
  Contender(Running running, std::uint32_t threads, std::size_t steps, nodezero::Executor execute)
      : running_(running), micro_batches_(threads), trainer_(make(threads, steps, execute)) {}

  /// Milliseconds a step.
  double time(unsigned steps) {
    const std::uint64_t last = *done_ + steps;
    const auto begin = std::chrono::steady_clock::now();
    for (unsigned i = 0; i < steps * micro_batches_; ++i) {
      if (!trainer_.submit(windows_of(i, sequences / micro_batches_))) {
        std::exit(1);
      }
    }
    if (running_ == Running::stepped && !trainer_.advance_to(0)) {
      std::exit(1);
    }
    // Not in a call that would do jobs: it is the pool's threads that are to be timed.
    for (auto seen = done_->load(); seen < last; seen = *done_) {
      done_->wait(seen);
    }
    return std::chrono::duration<double, std::milli>(std::chrono::steady_clock::now() - begin)
               .count() /
           steps;
  }

 private:
  nodezero::Trainer make(std::uint32_t threads, std::size_t steps, nodezero::Executor execute) {
    nodezero::TrainerOptions options;
    options.running = running_;
    options.threads = threads;
    options.spheres = threads;
    options.micro_batches = threads;
    options.queue_bound = steps * threads;
    options.execute = std::move(execute);
    options.on_step = [done = done_](const nodezero::StepReport& report) {
      *done = report.step + 1;
      done->notify_all();
    };
    auto model = nodezero::LanguageModel::create(sizes).value();
    return std::move(nodezero::Trainer::create(std::move(model), options).value());
  }

  Running running_;
  std::uint32_t micro_batches_;
  std::shared_ptr<std::atomic<std::uint64_t>> done_ =
      std::make_shared<std::atomic<std::uint64_t>>(0);
  nodezero::Trainer trainer_;
};

double median(std::vector<double> values) {
  std::ranges::sort(values);
  return values[values.size() / 2];
}

void compare(const char* name, Contender& ours, const char* other_name, Contender& other,
             int rounds, unsigned steps) {
  std::vector<double> times, other_times, ratios;
  for (int round = -1; round < rounds; ++round) {
    const double a = ours.time(steps), b = other.time(steps);
    if (round >= 0) {  // the first warms up
      times.push_back(a);
      other_times.push_back(b);
      ratios.push_back(a / b);
    }
  }
  std::printf("%s %.3f ms a step, %s %.3f ms: %+.1f %%\n", name, median(times), other_name,
              median(other_times), 100 * (median(ratios) - 1));
}

}  // namespace

int main(int argc, char** argv) {
  const int rounds = argc > 1 ? std::atoi(argv[1]) : 7;
  const auto steps = static_cast<unsigned>(argc > 2 ? std::atoi(argv[2]) : 100);
  {
    Contender stepped(Running::stepped, 1, steps, nullptr);
    Contender threaded(Running::own_threads, 1, steps, nullptr);
    compare("stepped", stepped, "one thread of its own", threaded, rounds, steps);
  }
  Pool pool(2);
  Contender hosted(Running::host_executor, 2, steps,
                   [&](std::function<void()> job) { pool.post(std::move(job)); });
  Contender threaded(Running::own_threads, 2, steps, nullptr);
  compare("a host's two threads", hosted, "two of its own", threaded, rounds, steps);
}
