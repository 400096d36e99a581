// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/own_threads.hpp"

#include <algorithm>
#include <atomic>
#include <condition_variable>
#include <deque>
#include <pthread.h>
#include <system_error>
#include <utility>

#include <fmt/format.h>

#include "runtime/alternate_stack.hpp"
#include "runtime/running_time.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::runtime {

/// What a worker is to the actors whose jobs it does.
class OwnThreads::Worker : public caf::execution_unit {
 public:
  explicit Worker(OwnThreads& threads) : execution_unit(nullptr), threads_(threads) {}
  void attach(caf::actor_system& system) { system_ = &system; }
  void exec_later(caf::resumable* job) override { threads_.push(job); }

  // Guarded by the threads' mutex.
  std::deque<caf::resumable*> jobs;
  std::condition_variable has_job;

 private:
  OwnThreads& threads_;
};

/// CAF's list of timeouts behind a lock. Its own clock with a thread hands timeouts over in a ring
/// that nobody empties any more when the thread has ended, and 256 actors that end wait for room in
/// it for ever.
class OwnThreads::Clock : public caf::detail::simple_actor_clock {
 public:
  /// Rings, by the time in which the process ran, until `end` is called.
  void run() {
    std::unique_lock lock(mutex_);
    while (!is_ending_) {
      time_.look(RunningTime::Clock::now());
      stopped_ = time_.stopped();
      trigger_expired_timeouts();
      if (schedule().empty()) {
        changed_.wait(lock);
        time_.look_again(RunningTime::Clock::now());
      } else {
        changed_.wait_until(lock, std::min(schedule().begin()->first + time_.stopped(),
                                           RunningTime::Clock::now() + RunningTime::interval));
      }
    }
    simple_actor_clock::cancel_all();
  }
  void end() {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    changed_.notify_all();
  }

  time_point now() const noexcept override { return RunningTime::Clock::now() - stopped_.load(); }
  void set_ordinary_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                            std::uint64_t id) override {
    change([&] { simple_actor_clock::set_ordinary_timeout(due, self, type, id); });
  }
  void set_multi_timeout(time_point due, caf::abstract_actor* self, caf::atom_value type,
                         std::uint64_t id) override {
    change([&] { simple_actor_clock::set_multi_timeout(due, self, type, id); });
  }
  void set_request_timeout(time_point due, caf::abstract_actor* self, caf::message_id id) override {
    change([&] { simple_actor_clock::set_request_timeout(due, self, id); });
  }
  void cancel_ordinary_timeout(caf::abstract_actor* self, caf::atom_value type) override {
    change([&] { simple_actor_clock::cancel_ordinary_timeout(self, type); });
  }
  void cancel_request_timeout(caf::abstract_actor* self, caf::message_id id) override {
    change([&] { simple_actor_clock::cancel_request_timeout(self, id); });
  }
  void cancel_timeouts(caf::abstract_actor* self) override {
    change([&] { simple_actor_clock::cancel_timeouts(self); });
  }
  void schedule_message(time_point due, caf::strong_actor_ptr receiver,
                        caf::mailbox_element_ptr content) override {
    change([&] {
      simple_actor_clock::schedule_message(due, std::move(receiver), std::move(content));
    });
  }
  void schedule_message(time_point due, caf::group target, caf::strong_actor_ptr sender,
                        caf::message content) override {
    change([&] {
      simple_actor_clock::schedule_message(due, std::move(target), std::move(sender),
                                           std::move(content));
    });
  }
  void cancel_all() override {
    change([&] { simple_actor_clock::cancel_all(); });
  }

 private:
  /// Wakes the clock's thread only if it must ring earlier than it thought: it looks at the time
  /// now and then anyhow, and a request whose answer comes in time should cost it nothing.
  template <class Change>
  void change(Change&& change) {
    const std::lock_guard lock(mutex_);
    if (is_ending_) {
      return;
    }
    const auto before = first_due();
    change();
    if (first_due() < before) {
      changed_.notify_all();
    }
  }

  time_point first_due() const {
    return schedule().empty() ? time_point::max() : schedule().begin()->first;
  }

  /// Recursive, because a timeout that is dropped may hold the last reference to an actor, which
  /// then cancels its own.
  std::recursive_mutex mutex_;
  std::condition_variable_any changed_;
  bool is_ending_ = false;
  RunningTime time_{RunningTime::Clock::now()};
  std::atomic<RunningTime::Clock::duration> stopped_{RunningTime::Clock::duration::zero()};
};

// -- the threads ---------------------------------------------------------------------------------

OwnThreads::OwnThreads() : clock_(std::make_unique<Clock>()) {}

Result<std::shared_ptr<OwnThreads>> OwnThreads::start(std::size_t workers) {
  const std::shared_ptr<OwnThreads> threads(new OwnThreads);
  const std::size_t wanted = workers + 1;
  threads->workers_.reserve(workers);
  threads->free_.reserve(workers);
  threads->threads_.reserve(wanted);
  try {
    threads->threads_.emplace_back([&clock = *threads->clock_] {
      ::pthread_setname_np(::pthread_self(), "nodezero.clock");
      clock.run();
      forget_system_on_this_thread();
    });
    for (std::size_t i = 0; i < workers; ++i) {
      Worker& worker = *threads->workers_.emplace_back(std::make_unique<Worker>(*threads));
      threads->threads_.emplace_back([&worker, &threads = *threads] { threads.serve(worker); });
      if (i > 0) {
        threads->free_.push_back(&worker);
      }
    }
  } catch (const std::system_error& error) {
    const std::size_t had = threads->threads_.size();
    threads->end();
    return fail(
        ErrorCode::failed,
        fmt::format("only {} of {} threads could be started ({}); allow more (ulimit -u and "
                    "-v, or the container's limits), or ask for fewer",
                    had, wanted, error.code().message()));
  }
  return threads;
}

OwnThreads::~OwnThreads() {
  end();
}

void OwnThreads::end() {
  {
    const std::lock_guard lock(mutex_);
    is_ending_ = true;
    for (const auto& worker : workers_) {
      worker->has_job.notify_all();
    }
  }
  clock_->end();
  for (std::thread& thread : threads_) {
    thread.join();
  }
  threads_.clear();
  for (const auto& worker : workers_) {
    for (caf::resumable* job : std::exchange(worker->jobs, {})) {
      caf::scheduler::abstract_coordinator::cleanup_and_release(job);
    }
  }
}

void OwnThreads::attach(caf::actor_system& system, std::size_t throughput) {
  const std::lock_guard lock(mutex_);
  throughput_ = throughput;
  for (auto& worker : workers_) {
    worker->attach(system);
  }
}

void OwnThreads::push(caf::resumable* job) {
  const std::lock_guard lock(mutex_);
  enqueue(job);
}

void OwnThreads::enqueue(caf::resumable* job) {
  Worker& worker = worker_for(job);
  worker.jobs.push_back(job);
  worker.has_job.notify_one();
}

OwnThreads::Worker& OwnThreads::worker_for(caf::resumable* job) {
  const auto found = worker_of_.find(job);
  return found == worker_of_.end() ? *workers_.front() : *found->second;
}

void OwnThreads::give_worker(caf::resumable* job) {
  const std::lock_guard lock(mutex_);
  if (!free_.empty() && worker_of_.try_emplace(job, free_.back()).second) {
    free_.pop_back();
  }
}

/// Once its actor has ended, and before another one may get its address.
void OwnThreads::take_worker_back(caf::resumable* job) {
  if (const auto entry = worker_of_.extract(job)) {
    free_.push_back(entry.mapped());
  }
}

void OwnThreads::serve(Worker& worker) {
  const AlternateStack for_signals;
  ::pthread_setname_np(::pthread_self(), "nodezero.worker");
  std::unique_lock lock(mutex_);
  for (;;) {
    worker.has_job.wait(lock, [&] { return is_ending_ || !worker.jobs.empty(); });
    if (is_ending_) {
      break;
    }
    caf::resumable* const job = worker.jobs.front();
    worker.jobs.pop_front();
    if (&worker_for(job) != &worker) {
      enqueue(job);  // it came before the actor was given its worker
      continue;
    }
    lock.unlock();
    const auto result = job->resume(&worker, throughput_);
    lock.lock();
    if (result == caf::resumable::resume_later) {
      enqueue(job);
      continue;
    }
    if (result == caf::resumable::done) {
      take_worker_back(job);
    }
    lock.unlock();
    caf::intrusive_ptr_release(job);
    lock.lock();
  }
  lock.unlock();
  forget_system_on_this_thread();
}

// -- the scheduler of the actor system -----------------------------------------------------------

class ThreadScheduler : public caf::scheduler::abstract_coordinator {
 public:
  ThreadScheduler(caf::actor_system& system, std::shared_ptr<OwnThreads> threads)
      : abstract_coordinator(system), threads_(std::move(threads)) {}

  void init(caf::actor_system_config& config) override {
    abstract_coordinator::init(config);
    threads_->attach(system(), max_throughput());
  }
  /// CAF's would start a thread that prints for actors; ours print nothing.
  void start() override {}
  void stop() override { threads_->end(); }
  void enqueue(caf::resumable* job) override { threads_->push(job); }
  bool detaches_utility_actors() const override { return false; }
  caf::actor_clock& clock() noexcept override { return *threads_->clock_; }
  void give_worker(caf::resumable* job) { threads_->give_worker(job); }

 private:
  std::shared_ptr<OwnThreads> threads_;
};

void run_on_threads(caf::actor_system_config& config, std::shared_ptr<OwnThreads> threads) {
  config.module_factories.push_back(
      [threads = std::move(threads)](caf::actor_system& system) -> caf::actor_system::module* {
        return new ThreadScheduler(system, threads);
      });
}

void give_worker(caf::actor_system& system, const caf::strong_actor_ptr& actor) {
  auto* const scheduler = dynamic_cast<ThreadScheduler*>(&system.scheduler());
  auto* const job = dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(actor));
  if (scheduler != nullptr && job != nullptr) {
    scheduler->give_worker(job);
  }
}

}  // namespace nodezero::runtime
