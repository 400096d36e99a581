// SPDX-License-Identifier: BSD-3-Clause

// The beginning and the end of a session.

#include "actors/embedding/session.hpp"

#include <algorithm>
#include <exception>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "actors/embedding/host_run.hpp"
#include "actors/embedding/machines.hpp"
#include "runtime/system_config.hpp"
#include "runtime/thrown.hpp"

namespace nodezero {
namespace {

std::shared_ptr<actors::BatchQueue> make_queue(const TrainerOptions& options) {
  return options.batches
             ? nullptr
             : std::make_shared<actors::BatchQueue>(options.queue_bound, options.when_full,
                                                    options.running != Running::stepped);
}

std::shared_ptr<runtime::HostJobs> make_jobs(const TrainerOptions& options) {
  if (options.running != Running::host_executor) {
    return nullptr;
  }
  // Work that never ends must not be done at the end of a call.
  const bool is_endless = options.batches && options.total_steps == 0;
  return std::make_shared<runtime::HostJobs>(
      options.execute,
      is_endless ? runtime::HostJobs::Nested::give_back : runtime::HostJobs::Nested::put_off);
}

runtime::Scheduling scheduling_of(Running running) {
  return running == Running::own_threads ? runtime::Scheduling::own_threads
                                         : runtime::Scheduling::testing;
}

/// Null where there are none. With other machines one more adds what comes from them.
Result<std::shared_ptr<runtime::OwnThreads>> start_threads(const TrainerOptions& options) {
  if (options.running != Running::own_threads) {
    return std::shared_ptr<runtime::OwnThreads>();
  }
  return runtime::OwnThreads::start(actors::workers_for(options.threads) +
                                    (options.machines ? 1 : 0));
}

}  // namespace

struct Trainer::Session::SystemConfig : caf::actor_system_config {
  SystemConfig(Running running, const std::shared_ptr<runtime::HostJobs>& jobs,
               std::shared_ptr<runtime::OwnThreads> threads, actors::OtherMachines* others) {
    runtime::configure(*this, scheduling_of(running));
    if (others != nullptr) {
      others->configure(*this);
    }
    if (jobs) {
      runtime::run_on_host(*this, jobs);
    } else if (threads) {
      runtime::run_on_threads(*this, std::move(threads));
    }
  }
};

Trainer::Session::Inside::Inside(Session& session) : session_(session), turn_(session.jobs_) {
  if (session_.is_stepped()) {
    ++session_.calls_inside_;
  }
}

Trainer::Session::Inside::~Inside() {
  if (session_.is_stepped() && --session_.calls_inside_ == 0) {
    runtime::forget_system_on_this_thread();
    if (session_.is_closed()) {
      session_.finish(forever());
    }
  }
}

// -- the beginning -------------------------------------------------------------------------------

Result<std::shared_ptr<Trainer::Session>> Trainer::Session::create(
    std::shared_ptr<const AnyTrainable> model, TrainerOptions options) {
  const actors::MemoryReserve reserve;
  try {
    const auto host_calls = std::make_shared<const actors::HostCalls>();
    model = actors::known_to(host_calls, std::move(model));
    options = actors::known_to(host_calls, std::move(options));
    auto trained = actors::trained_model(model, options);
    if (!trained) {
      return fail(std::move(trained.error()));
    }
    auto folder = actors::StateFolder::open(options.folder);
    if (!folder) {
      return fail(std::move(folder.error()));
    }
    auto threads = start_threads(options);
    if (!threads) {
      return fail(std::move(threads.error()));
    }
    auto others = options.machines ? options.machines->take() : nullptr;
    if (!others) {
      return fail(std::move(others.error()));
    }
    std::shared_ptr<Session> session(new Session(host_calls, std::move(model), std::move(*trained),
                                                 std::move(options), std::move(*folder),
                                                 std::move(*threads), std::move(*others)));
    session->begin();
    return session;
  } catch (...) {  // of the host's model, of any type
    return fail(ErrorCode::internal,
                "the trainer cannot begin: " + runtime::words_of(std::current_exception()));
  }
}

Trainer::Session::Session(std::shared_ptr<const actors::HostCalls> host_calls,
                          std::shared_ptr<const AnyTrainable> model,
                          std::shared_ptr<const model::TrainedModel> trained,
                          TrainerOptions options, actors::StateFolder folder,
                          std::shared_ptr<runtime::OwnThreads> threads,
                          std::shared_ptr<actors::OtherMachines> others)
    : host_calls_(std::move(host_calls)),
      model_(std::move(model)),
      trained_(std::move(trained)),
      options_(std::move(options)),
      folder_(std::move(folder)),
      queue_(make_queue(options_)),
      board_(std::make_shared<actors::HostBoard>(options_, queue_)),
      jobs_(make_jobs(options_)),
      others_(std::move(others)),
      config_(std::make_unique<SystemConfig>(options_.running, jobs_, std::move(threads),
                                             others_.get())),
      system_(std::make_unique<caf::actor_system>(*config_)) {
  if (is_stepped()) {
    scheduler_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
  }
}

void Trainer::Session::begin() {
  const runtime::HostJobs::Turn turn(jobs_);
  keeper_ = actors::spawn_keeper(
      *system_, scheduling_of(options_.running),
      {model_, board_, actors::host_run_settings(model_, trained_, options_, queue_), others_});
  if (has_own_threads()) {
    board_->set_threads({.lanes = options_.threads,
                         .observers = 1,
                         .checkpointers = 1,
                         .workers = others_ ? 2U : 1U,
                         .clocks = 1,
                         .networkers = others_ ? 2U : 0U});
  }
  runtime::forget_system_on_this_thread();
}

// -- the end -------------------------------------------------------------------------------------

Trainer::Session::~Session() {
  say_close();
  finish(forever());
}

bool Trainer::Session::is_closed() const {
  const std::lock_guard lock(mutex_);
  return !keeper_;
}

/// Tells the keeper to close. False if somebody has done so before.
bool Trainer::Session::say_close() {
  auto [settle, closed] = promised<void>();
  std::unique_lock lock(mutex_);
  if (!keeper_) {
    return false;
  }
  const auto keeper_handle = std::exchange(keeper_, nullptr);
  closed_ = closed.share();
  lock.unlock();
  if (others_) {
    others_->end();  // while there is somebody who can send them away
  }
  const runtime::HostJobs::Sending sending(jobs_);
  caf::anon_send(keeper_handle, actors::close_run{std::move(settle)});
  if (is_stepped()) {
    // Before what the actors would do otherwise.
    auto& jobs = scheduler_->jobs;
    auto* keeper =
        dynamic_cast<caf::resumable*>(caf::actor_cast<caf::abstract_actor*>(keeper_handle));
    const auto job = std::find(jobs.begin(), jobs.end(), keeper);
    std::rotate(jobs.begin(), job, job == jobs.end() ? job : job + 1);
  }
  return true;
}

/// Waits until the keeper has closed, and takes the actor system down. False if the deadline came
/// first.
bool Trainer::Session::finish(Deadline deadline) {
  std::unique_lock lock(mutex_);
  const auto closed = closed_;
  lock.unlock();
  if (jobs_) {
    const auto is_over = [&] { return (!closed.valid() || is_ready(closed)) && jobs_->is_idle(); };
    if (!jobs_->help_until(is_over, deadline)) {
      return false;
    }
  } else if (is_stepped()) {
    while (system_ && scheduler_->try_run_once()) {
    }
  } else if (closed.valid()) {
    closed.wait();
  }
  lock.lock();
  const auto system = std::move(system_);  // by one of those that close
  lock.unlock();
  runtime::forget_system_on_this_thread();
  board_->set_threads({});
  return true;
}

Result<void> Trainer::Session::close() {
  if (host_calls_->is_inside()) {
    return fail(ErrorCode::busy, "a callback cannot close the trainer that called it");
  }
  if (is_stepped() && !is_owner()) {
    return fail(ErrorCode::wrong_thread, "only the thread that created the trainer may close it");
  }
  const Inside inside(*this);
  say_close();
  if (!finish(deadline_in(options_.close_timeout))) {
    return fail(ErrorCode::timed_out,
                fmt::format("a job has not come back from the host's executor for {} ms",
                            options_.close_timeout.count()));
  }
  return {};
}

void Trainer::Session::let_go() {
  const runtime::HostJobs::Turn turn(jobs_);
  const bool is_first = say_close();
  if (host_calls_->is_inside()) {
    if (has_own_threads()) {
      // The thread of a callback cannot wait for its own end.
      std::thread([self = shared_from_this()] { self->finish(forever()); }).detach();
    } else if (jobs_) {
      jobs_->at_rest([self = shared_from_this()] { self->finish(forever()); });
    }
  } else if (!finish(is_first ? deadline_in(options_.close_timeout) : deadline_in({}))) {
    jobs_->at_rest([self = shared_from_this()] { self->finish(forever()); });
  }
}

}  // namespace nodezero
