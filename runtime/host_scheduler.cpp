// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/host_scheduler.hpp"

#include <atomic>
#include <utility>

#include "runtime/system_config.hpp"

namespace nodezero::runtime {
namespace {

thread_local HostJobs::Turn* innermost_turn = nullptr;

/// Forgets what it is told. CAF's own clock is a thread.
class SilentClock : public caf::actor_clock {
 public:
  void set_ordinary_timeout(time_point, caf::abstract_actor*, caf::atom_value,
                            std::uint64_t) override {}
  void set_multi_timeout(time_point, caf::abstract_actor*, caf::atom_value,
                         std::uint64_t) override {}
  void set_request_timeout(time_point, caf::abstract_actor*, caf::message_id) override {}
  void cancel_ordinary_timeout(caf::abstract_actor*, caf::atom_value) override {}
  void cancel_request_timeout(caf::abstract_actor*, caf::message_id) override {}
  void cancel_timeouts(caf::abstract_actor*) override {}
  void schedule_message(time_point, caf::strong_actor_ptr, caf::mailbox_element_ptr) override {}
  void schedule_message(time_point, caf::group, caf::strong_actor_ptr, caf::message) override {}
  void cancel_all() override {}
};

}  // namespace

// -- the scheduler of the actor system -----------------------------------------------------------

class HostScheduler : public caf::scheduler::abstract_coordinator {
 public:
  HostScheduler(caf::actor_system& system, std::shared_ptr<HostJobs> jobs)
      : abstract_coordinator(system), jobs_(std::move(jobs)) {}

  void init(caf::actor_system_config& config) override {
    abstract_coordinator::init(config);
    jobs_->attach(system(), max_throughput());
  }
  /// CAF's would start a thread that prints for actors; ours print nothing.
  void start() override {}
  void stop() override {
    jobs_->help_until([] { return false; });
    jobs_->close();
  }
  void enqueue(caf::resumable* job) override { jobs_->push(job, HostJobs::Place::first); }
  bool detaches_utility_actors() const override { return false; }
  caf::actor_clock& clock() noexcept override { return clock_; }

 private:
  std::shared_ptr<HostJobs> jobs_;
  SilentClock clock_;
};

void run_on_host(caf::actor_system_config& config, std::shared_ptr<HostJobs> jobs) {
  config.module_factories.push_back(
      [jobs = std::move(jobs)](caf::actor_system& system) -> caf::actor_system::module* {
        return new HostScheduler(system, jobs);
      });
}

// -- turns ---------------------------------------------------------------------------------------

HostJobs::Turn::Turn(std::shared_ptr<HostJobs> jobs) {
  if (jobs && !of(*jobs)) {
    jobs_ = std::move(jobs);
    outer_ = std::exchange(innermost_turn, this);
  }
}

HostJobs::Turn::~Turn() {
  if (!jobs_) {
    return;
  }
  jobs_->hand_out();
  for (; put_off_ > 0; --put_off_) {
    jobs_->give_back_ticket();
    jobs_->run_one();
  }
  innermost_turn = outer_;
  jobs_->leave();
}

HostJobs::Turn* HostJobs::Turn::of(const HostJobs& jobs) {
  Turn* turn = innermost_turn;
  while (turn && turn->jobs_.get() != &jobs) {
    turn = turn->outer_;
  }
  return turn;
}

HostJobs::Sending::Sending(const std::shared_ptr<HostJobs>& jobs) : jobs_(jobs.get()) {
  if (jobs_) {
    const std::lock_guard lock(jobs_->mutex_);
    ++jobs_->busy_;
  }
}

HostJobs::Sending::~Sending() {
  if (jobs_) {
    const std::lock_guard lock(jobs_->mutex_);
    --jobs_->busy_;
    ++jobs_->events_;
    jobs_->changed_.notify_all();
  }
}

void HostJobs::at_rest(std::function<void()> last) {
  const std::lock_guard lock(mutex_);
  last_ = std::move(last);
}

bool HostJobs::is_idle() const {
  const std::lock_guard lock(mutex_);
  return jobs_.empty() && busy_ == 0;
}

void HostJobs::leave() {
  std::function<void()> last;
  {
    const std::lock_guard lock(mutex_);
    if (busy_ == 0) {
      last.swap(last_);
    }
  }
  if (last) {
    last();
  }
}

// -- tickets -------------------------------------------------------------------------------------

/// One run of one job, however often it is called; it is given back if the host forgets it.
class HostJobs::Ticket {
 public:
  explicit Ticket(std::shared_ptr<HostJobs> jobs) : jobs_(std::move(jobs)) {}
  ~Ticket() {
    if (!is_used_) {
      jobs_->give_back_ticket();
    }
  }
  Ticket(const Ticket&) = delete;
  Ticket& operator=(const Ticket&) = delete;

  void use() {
    if (!is_used_.exchange(true)) {
      jobs_->use_ticket();
    }
  }

 private:
  std::shared_ptr<HostJobs> jobs_;
  std::atomic<bool> is_used_{false};
};

void HostJobs::hand_out() {
  std::unique_lock lock(mutex_);
  std::size_t missing = jobs_.size() > tickets_ ? jobs_.size() - tickets_ : 0;
  for (; missing > 0; --missing) {
    ++tickets_;
    ++busy_;
    lock.unlock();
    bool has_thrown = false;
    try {
      execute_([ticket = std::make_shared<Ticket>(shared_from_this())] { ticket->use(); });
    } catch (...) {  // the ticket is back; whoever helps next, or gets the next one, does the job
      has_thrown = true;
    }
    lock.lock();
    --busy_;
    ++events_;
    changed_.notify_all();
    if (has_thrown) {
      return;
    }
  }
}

void HostJobs::use_ticket() {
  if (Turn* turn = Turn::of(*this)) {
    if (nested_ == Nested::put_off) {
      ++turn->put_off_;
    } else {
      give_back_ticket();
    }
    return;
  }
  const Turn turn(shared_from_this());
  give_back_ticket();
  run_one();
}

void HostJobs::give_back_ticket() {
  const std::lock_guard lock(mutex_);
  --tickets_;
}

// -- jobs ----------------------------------------------------------------------------------------

void HostJobs::attach(caf::actor_system& system, std::size_t throughput) {
  system_ = &system;
  throughput_ = throughput;
}

void HostJobs::push(caf::resumable* job, Place place) {
  {
    const std::lock_guard lock(mutex_);
    if (!is_closed_) {
      jobs_.insert(place == Place::first ? jobs_.begin() : jobs_.end(),
                   std::exchange(job, nullptr));
      ++events_;
      changed_.notify_all();
    }
  }
  if (job) {
    caf::scheduler::abstract_coordinator::cleanup_and_release(job);
  } else if (!Turn::of(*this)) {
    hand_out();
  }
}

void HostJobs::close() {
  Execute execute;  // may hold what holds tickets
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  execute.swap(execute_);
}

bool HostJobs::run_one() {
  caf::resumable* job = nullptr;
  {
    const std::lock_guard lock(mutex_);
    if (jobs_.empty()) {
      return false;
    }
    job = jobs_.front();
    jobs_.pop_front();
    ++busy_;
  }
  const auto result = job->resume(this, throughput_);
  forget_system_on_this_thread();
  if (result == caf::resumable::resume_later) {
    push(job, Place::last);
  } else {
    caf::intrusive_ptr_release(job);
  }
  hand_out();
  const std::lock_guard lock(mutex_);
  --busy_;
  ++events_;
  changed_.notify_all();
  return true;
}

bool HostJobs::help_until(const std::function<bool()>& is_done) {
  return help(is_done, nullptr);
}

bool HostJobs::help_until(const std::function<bool()>& is_done, Deadline deadline) {
  return help(is_done, &deadline);
}

bool HostJobs::help(const std::function<bool()>& is_done, const Deadline* deadline) {
  const Turn turn(shared_from_this());
  std::unique_lock lock(mutex_);
  for (;;) {
    const std::uint64_t seen = events_;
    const auto has_news = [&] { return events_ != seen; };
    lock.unlock();
    if (is_done()) {
      return true;
    }
    if (deadline && std::chrono::steady_clock::now() >= *deadline) {
      return false;
    }
    const bool has_run = run_one();
    lock.lock();
    if (has_run || has_news()) {
      continue;
    }
    if (deadline) {
      changed_.wait_until(lock, *deadline, has_news);
    } else if (busy_ > 0) {
      changed_.wait(lock, has_news);
    } else {
      return false;
    }
  }
}

}  // namespace nodezero::runtime
