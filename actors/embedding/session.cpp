// SPDX-License-Identifier: BSD-3-Clause

// The beginning and the end of a session, and its runs.

#include "actors/embedding/session.hpp"

#include <exception>
#include <string>
#include <utility>

#include "actors/embedding/host_run.hpp"

namespace nodezero {
namespace {

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
  return running == Running::own_threads ? runtime::Scheduling::threads
                                         : runtime::Scheduling::testing;
}

}  // namespace

struct Trainer::Session::SystemConfig : caf::actor_system_config {
  SystemConfig(Running running, const std::shared_ptr<runtime::HostJobs>& jobs) {
    runtime::configure(*this, scheduling_of(running));
    if (jobs) {
      runtime::run_on_host(*this, jobs);
    }
  }
};

Trainer::Session::Inside::Inside(Session& session) : session_(session) {
  if (session_.is_stepped()) {
    ++session_.calls_inside_;
  }
}

Trainer::Session::Inside::~Inside() {
  if (session_.is_stepped() && --session_.calls_inside_ == 0 && session_.is_closed_) {
    session_.take_down();
  }
}

Trainer::Session::Exchange::Exchange(Session& session)
    : inside_(session), turn_(session.jobs_), lock_(session.run_mutex_) {}

// -- beginning and end -------------------------------------------------------------------------

Result<std::shared_ptr<Trainer::Session>> Trainer::Session::create(
    std::shared_ptr<const AnyTrainable> model, TrainerOptions options) {
  try {
    const auto host_calls = std::make_shared<const actors::HostCalls>();
    model = actors::known_to(host_calls, std::move(model));
    options = actors::known_to(host_calls, std::move(options));
    auto trained = actors::trained_model(model, options);
    if (!trained) {
      return tl::unexpected<Error>(std::move(trained.error()));
    }
    auto folder = actors::StateFolder::open(options.folder);
    if (!folder) {
      return tl::unexpected<Error>(std::move(folder.error()));
    }
    std::shared_ptr<Session> session(new Session(host_calls, std::move(model), std::move(*trained),
                                                 std::move(options), std::move(*folder)));
    const runtime::HostJobs::Turn turn(session->jobs_);
    session->start(std::nullopt, true);
    return session;
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("the trainer cannot begin: ") + error.what());
  }
}

Trainer::Session::Session(std::shared_ptr<const actors::HostCalls> host_calls,
                          std::shared_ptr<const AnyTrainable> model,
                          std::shared_ptr<const model::TrainedModel> trained,
                          TrainerOptions options, actors::StateFolder folder)
    : host_calls_(std::move(host_calls)),
      model_(std::move(model)),
      trained_(std::move(trained)),
      options_(std::move(options)),
      folder_(std::move(folder)),
      queue_(options_.batches
                 ? nullptr
                 : std::make_shared<actors::BatchQueue>(options_.queue_bound, options_.when_full)),
      jobs_(make_jobs(options_)),
      config_(std::make_unique<SystemConfig>(options_.running, jobs_)),
      system_(std::make_unique<caf::actor_system>(*config_)) {
  if (is_stepped()) {
    scheduler_ = dynamic_cast<caf::scheduler::test_coordinator*>(&system_->scheduler());
  }
}

Trainer::Session::~Session() {
  is_closed_ = true;
  take_down();
}

Result<void> Trainer::Session::close() {
  if (host_calls_->is_inside()) {
    return fail(ErrorCode::busy, "a callback cannot close the trainer that called it");
  }
  if (is_stepped() && std::this_thread::get_id() != owner_) {
    return fail(ErrorCode::wrong_thread, "only the thread that created the trainer may close it");
  }
  if (!is_closed_.exchange(true)) {
    take_down();
  }
  return {};
}

void Trainer::Session::let_go() {
  const bool is_first = !is_closed_.exchange(true);
  if (!host_calls_->is_inside()) {
    if (is_first) {
      take_down();
    }
  } else if (jobs_) {
    jobs_->after_turn([self = shared_from_this()] { self->take_down(); });
  } else if (has_own_threads()) {
    // The thread of a callback cannot wait for its own end.
    std::thread([self = shared_from_this()] { self->take_down(); }).detach();
  }
}

void Trainer::Session::take_down() {
  if (queue_) {
    queue_->close();
  }
  changed_.notify_all();
  const runtime::HostJobs::Turn turn(jobs_);
  {
    const SharedLock lock(run_mutex_);
    if (!system_) {
      return;
    }
    send_exit();
  }
  // Whoever waits for an answer gets an error and leaves.
  const ExclusiveLock lock(run_mutex_);
  await_exit();
  system_.reset();
  is_down_ = true;
}

// -- one run of the actors ---------------------------------------------------------------------

void Trainer::Session::start(std::optional<model::Checkpoint> from, bool trains) {
  auto run = actors::host_run_settings(model_, trained_, options_, queue_);
  run.resume = std::move(from);
  {
    const std::lock_guard lock(mutex_);
    const auto progress = run.resume ? run.resume->progress : model::TrainingProgress{};
    status_.steps = progress.step;
    status_.epochs = progress.epoch;
    status_.version = progress.version;
    is_training_ = trains;
    is_stopping_ = false;
  }
  actors_ = actors::spawn_run(*system_, scheduling_of(options_.running), run, *this);
  if (trains) {
    runtime::ask_then<actors::run_ended>(
        *system_, actors_.driver, actors::run_all{},
        [this](const Result<actors::run_ended>& outcome) { run_has_ended(outcome); });
  }
  if (!is_stepped()) {
    {
      const std::lock_guard lock(mutex_);
      feed_ = actors_.feed;
    }
    notify_feed();  // of what has come meanwhile
  }
  runtime::forget_system_on_this_thread();
}

void Trainer::Session::send_exit() {
  {
    const std::lock_guard lock(mutex_);
    feed_ = actors::feed_actor();
  }
  actors_.send_exit();
}

void Trainer::Session::await_exit() {
  actors_ = {};
  if (!has_own_threads()) {
    work_until([] { return false; });
  }
}

void Trainer::Session::run_has_ended(const Result<actors::run_ended>& outcome) {
  const std::lock_guard lock(mutex_);
  is_training_ = false;
  if (!is_stopping_ && !is_closed_) {
    const bool is_finished = outcome && !outcome->reason;
    ended_ = is_finished ? Progress::finished : Progress::failed;
    if (!is_finished) {
      status_.failure = to_string(outcome ? *outcome->reason : outcome.error());
    }
  }
  changed_.notify_all();
}

/// Stops the run and returns its last complete version; all telemetry has been heard.
Result<model::Checkpoint> Trainer::Session::halt() {
  {
    const std::lock_guard lock(mutex_);
    is_stopping_ = true;
  }
  const auto answer =
      wait_for(runtime::ask<actors::stopped>(*system_, actors_.lifecycle, actors::stop{}));
  end_run();
  if (!answer) {
    return fail(answer.error());
  }
  return answer->checkpoint;
}

void Trainer::Session::end_run() {
  if (has_own_threads()) {
    std::unique_lock lock(mutex_);
    changed_.wait(lock, [this] { return !is_training_; });
  } else {
    work_until([this] {
      const std::lock_guard lock(mutex_);
      return !is_training_;
    });
  }
}

void Trainer::Session::replace(std::optional<model::Checkpoint> from, bool trains) {
  send_exit();
  await_exit();
  start(std::move(from), trains);
}

/// After the end another run, which does not train, holds the last version.
Result<void> Trainer::Session::revive() {
  {
    const std::lock_guard lock(mutex_);
    if (!ended_ || is_revived_) {
      return {};
    }
  }
  auto checkpoint = halt();
  if (!checkpoint) {
    return tl::unexpected<Error>(std::move(checkpoint.error()));
  }
  replace(std::move(*checkpoint), false);
  is_revived_ = true;
  return {};
}

}  // namespace nodezero
