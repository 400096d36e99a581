#include "actors/embedding/session.hpp"

#include <algorithm>
#include <cmath>
#include <exception>
#include <fcntl.h>
#include <limits>
#include <string>
#include <sys/file.h>
#include <utility>

#include "actors/embedding/host_batches.hpp"
#include "actors/embedding/host_run.hpp"
#include "actors/errors.hpp"
#include "model/atomic_file.hpp"
#include "runtime/ask.hpp"
#include "runtime/system_config.hpp"

namespace nodezero {
namespace {

// The observer and the checkpointer; of the actor system its worker, its clock and one more.
constexpr std::uint64_t threads_beside_lanes = 5;

Result<model::FileDescriptor> lock_folder(const std::filesystem::path& folder) {
  if (folder.empty()) {
    return model::FileDescriptor();
  }
  if (const auto created = model::create_folder(folder); !created) {
    return fail(ErrorCode::io, created.error().message);
  }
  const auto path = folder / "lock";
  model::FileDescriptor file(::open(path.c_str(), O_RDWR | O_CREAT | O_CLOEXEC, 0666));
  if (!file.is_open()) {
    return fail(ErrorCode::io, "cannot write to folder '" + folder.string() + "'");
  }
  // The system drops the lock when the process ends, however it ends.
  if (::flock(file.number(), LOCK_EX | LOCK_NB) != 0) {
    return fail(ErrorCode::in_use,
                "another trainer works in '" + folder.string() + "': choose another folder");
  }
  return file;
}

}  // namespace

struct Trainer::Session::SystemConfig : caf::actor_system_config {
  explicit SystemConfig(Running running) {
    runtime::configure(*this, running == Running::stepped ? runtime::Scheduling::testing
                                                          : runtime::Scheduling::threads);
  }
};

Trainer::Session::Inside::Inside(Session& session) : session_(session.shared_from_this()) {
  before_ = session_->inside_.exchange(std::this_thread::get_id());
}

Trainer::Session::Inside::~Inside() {
  session_->inside_ = before_;
  // The trainer may have been destroyed in a callback of this step.
  if (session_->is_closed_ && session_->is_stepped() && before_ == std::thread::id()) {
    session_->take_down();
  }
}

Trainer::Session::Exchange::Exchange(Session& session) : session_(session) {
  if (session_.is_stepped()) {
    inside_.emplace(session_);
  }
  lock_ = ExclusiveLock(session_.run_mutex_);
}

Trainer::Session::Exchange::~Exchange() {
  lock_.unlock();
  if (!session_.is_stepped()) {
    session_.notify_feed();
  }
}

// -- beginning and end -------------------------------------------------------------------------

Result<std::shared_ptr<Trainer::Session>> Trainer::Session::create(
    std::shared_ptr<const AnyTrainable> model, TrainerOptions options) {
  if (!model) {
    return fail(ErrorCode::invalid_argument, "there is no model");
  }
  if (auto valid = actors::validate(options); !valid) {
    return tl::unexpected<Error>(std::move(valid.error()));
  }
  try {
    auto trained = model::host_model(model);
    if (!trained) {
      return tl::unexpected<Error>(std::move(trained.error()));
    }
    auto lock = lock_folder(options.folder);
    if (!lock) {
      return tl::unexpected<Error>(std::move(lock.error()));
    }
    std::shared_ptr<Session> session(
        new Session(std::move(model), std::move(*trained), std::move(options), std::move(*lock)));
    session->start(std::nullopt, true);
    return session;
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("the trainer cannot begin: ") + error.what());
  }
}

Trainer::Session::Session(std::shared_ptr<const AnyTrainable> model,
                          std::shared_ptr<const model::TrainedModel> trained,
                          TrainerOptions options, model::FileDescriptor folder_lock)
    : model_(std::move(model)),
      trained_(std::move(trained)),
      options_(std::move(options)),
      folder_lock_(std::move(folder_lock)),
      queue_(options_.batches
                 ? nullptr
                 : std::make_shared<actors::BatchQueue>(options_.queue_bound, options_.when_full)),
      config_(std::make_unique<SystemConfig>(options_.running)),
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
  if (is_inside()) {
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
  if (!is_inside()) {
    if (is_first) {
      take_down();
    }
  } else if (!is_stepped()) {
    // The thread of a callback cannot wait for its own end.
    std::thread([self = shared_from_this()] { self->take_down(); }).detach();
  }
}

void Trainer::Session::take_down() {
  if (queue_) {
    queue_->close();
  }
  changed_.notify_all();
  {
    const SharedLock lock(run_mutex_);
    if (!system_) {
      return;
    }
    actors_.send_exit();
  }
  // Whoever waits for an answer gets an error and leaves.
  const ExclusiveLock lock(run_mutex_);
  actors_ = {};
  if (is_stepped()) {
    while (run_one()) {
    }
  }
  system_.reset();
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
  const auto scheduling =
      is_stepped() ? runtime::Scheduling::testing : runtime::Scheduling::threads;
  actors_ = actors::spawn_run(*system_, scheduling, run, *this);
  if (trains) {
    runtime::ask_then<actors::run_ended>(
        *system_, actors_.driver, actors::run_all{},
        [this](const tl::expected<actors::run_ended, caf::error>& outcome) {
          run_has_ended(outcome);
        });
  }
  runtime::forget_system_on_this_thread();
}

void Trainer::Session::run_has_ended(const tl::expected<actors::run_ended, caf::error>& outcome) {
  const std::lock_guard lock(mutex_);
  is_training_ = false;
  if (!is_stopping_ && !is_closed_) {
    const bool is_finished = outcome && outcome->reason.code == actors::errc::none;
    ended_ = is_finished ? Progress::finished : Progress::failed;
    if (!is_finished) {
      status_.failure = to_string(outcome ? outcome->reason : actors::to_failure(outcome.error()));
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
    return fail(ErrorCode::failed, to_string(actors::to_failure(answer.error())));
  }
  return answer->checkpoint;
}

void Trainer::Session::end_run() {
  std::unique_lock lock(mutex_);
  if (is_stepped()) {
    while (is_training_) {
      lock.unlock();
      const bool goes_on = run_one();
      lock.lock();
      if (!goes_on) {
        return;
      }
    }
  } else {
    changed_.wait(lock, [this] { return !is_training_; });
  }
}

void Trainer::Session::replace(std::optional<model::Checkpoint> from, bool trains) {
  actors_.send_exit();
  actors_ = {};
  if (is_stepped()) {
    while (run_one()) {
    }
  }
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

// -- stepping ----------------------------------------------------------------------------------

bool Trainer::Session::run_one() {
  return scheduler_->try_run_once();
}

template <class Answer>
tl::expected<Answer, caf::error> Trainer::Session::wait_for(
    std::future<tl::expected<Answer, caf::error>> answer) {
  runtime::forget_system_on_this_thread();
  if (is_stepped()) {
    while (answer.wait_for(std::chrono::seconds(0)) != std::future_status::ready) {
      if (!run_one()) {
        return tl::unexpected<caf::error>(
            actors::make_error({actors::errc::stalled, {}, -1, -1, "nobody answers"}));
      }
    }
  }
  return answer.get();
}

Progress Trainer::Session::take_event() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(epoch_has_ended_, false)) {
    step_has_ended_ = false;
    return Progress::epoch_done;
  }
  if (std::exchange(step_has_ended_, false)) {
    return Progress::step_done;
  }
  return ended_.value_or(Progress::working);
}

Progress Trainer::Session::pump(std::uint64_t budget) {
  if (has_new_batches_.exchange(false)) {
    caf::anon_send(actors_.feed, actors::batches_arrived{});
  }
  for (std::uint64_t i = 0; i < budget && !is_closed_; ++i) {
    if (const Progress event = take_event(); event != Progress::working) {
      return event;
    }
    if (!run_one()) {
      return Progress::idle;
    }
  }
  return take_event();
}

Result<Status> Trainer::Session::step(std::uint64_t budget) {
  if (auto error = refusal(true)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (budget == 0) {
    return fail(ErrorCode::invalid_argument, "a step needs a budget of at least one message");
  }
  const Inside inside(*this);
  return status_of(pump(budget));
}

Result<Status> Trainer::Session::advance_to(double time) {
  if (auto error = refusal(true)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (!std::isfinite(time) || time < time_) {
    return fail(ErrorCode::invalid_argument,
                "time " + std::to_string(time) + " lies before " + std::to_string(time_));
  }
  const double per_step = options_.time_per_step;
  if (per_step == 0 && !queue_ && options_.total_steps == 0) {
    return fail(ErrorCode::invalid_argument,
                "batches that never end need a time_per_step: this would not return");
  }
  const Inside inside(*this);
  Progress best = Progress::working;
  while (!is_closed_ && time_ + per_step <= time) {
    const Progress progress = pump(std::numeric_limits<std::uint64_t>::max());
    if (progress == Progress::step_done || progress == Progress::epoch_done) {
      best = std::max(best, progress);
      time_ = time_ + per_step;
      continue;
    }
    if (progress == Progress::failed) {
      return status_of(progress);
    }
    time_ = time;
    return status_of(best == Progress::working || progress == Progress::finished ? progress : best);
  }
  return status_of(best);
}

Result<Status> Trainer::Session::wait_for_steps(std::uint64_t steps,
                                                std::chrono::milliseconds timeout) {
  if (is_stepped()) {
    return fail(ErrorCode::wrong_mode, "a stepped trainer does nothing while its host waits");
  }
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  {
    std::unique_lock lock(mutex_);
    const bool has_come = changed_.wait_for(
        lock, timeout, [&] { return status_.steps >= steps || ended_ || is_closed_; });
    if (!has_come) {
      return fail(ErrorCode::timed_out, std::to_string(steps) + " steps were not done in time");
    }
  }
  if (is_closed_) {
    return fail(ErrorCode::closed, "the trainer was closed");
  }
  return status();
}

// -- talking -----------------------------------------------------------------------------------

std::optional<Error> Trainer::Session::refusal(bool needs_stepped) const {
  if (is_closed_) {
    return Error{ErrorCode::closed, "the trainer is closed"};
  }
  if (needs_stepped && !is_stepped()) {
    return Error{ErrorCode::wrong_mode, "a trainer with its own threads is not stepped"};
  }
  if (is_stepped() && std::this_thread::get_id() != owner_) {
    return Error{ErrorCode::wrong_thread, "only the thread that created the trainer may do this"};
  }
  if (is_inside()) {
    return Error{ErrorCode::busy, "a callback cannot do this: return from it first"};
  }
  return std::nullopt;
}

Result<void> Trainer::Session::submit(AnyValue batch) {
  if (is_closed_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  if (!queue_) {
    return fail(ErrorCode::wrong_mode, "this trainer's batches come from a function");
  }
  if (auto error = actors::check_batch(*model_, batch)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  const bool may_wait = !is_inside() && !(is_stepped() && std::this_thread::get_id() == owner_);
  if (auto pushed = queue_->push(std::move(batch), may_wait); !pushed) {
    return pushed;
  }
  if (is_stepped()) {
    has_new_batches_ = true;
  } else {
    notify_feed();
  }
  return {};
}

void Trainer::Session::notify_feed() {
  // Where the run is just being exchanged, whoever does that calls this afterwards.
  const SharedLock lock(run_mutex_, std::try_to_lock);
  if (lock && system_ && queue_) {
    caf::anon_send(actors_.feed, actors::batches_arrived{});
  }
}

Result<Prediction<AnyValue>> Trainer::Session::predict(AnyValue input) {
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (!input.holds(model_->input_type())) {
    return fail(ErrorCode::wrong_shape, "the input is of a type that the model does not take");
  }
  try {
    if (auto error = model_->check_input(input.value.get())) {
      return tl::unexpected<Error>(std::move(*error));
    }
  } catch (...) {
    return fail(ErrorCode::internal, "the model's check threw");
  }
  std::optional<Inside> inside;
  if (is_stepped()) {
    inside.emplace(*this);
  }
  if (status().progress != Progress::working) {
    const Exchange exchange(*this);
    if (system_) {
      if (auto revived = revive(); !revived) {
        return tl::unexpected<Error>(std::move(revived.error()));
      }
    }
  }
  const SharedLock lock(run_mutex_);
  if (!system_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  actors::generate request;
  request.input = std::move(input);
  const auto answer =
      wait_for(runtime::ask<actors::generated>(*system_, actors_.lifecycle, std::move(request)));
  if (!answer) {
    const auto reason = actors::to_failure(answer.error());
    return fail(is_closed_ ? ErrorCode::closed : ErrorCode::failed, to_string(reason));
  }
  return Prediction<AnyValue>{answer->envelope.version, answer->output};
}

Status Trainer::Session::status() const {
  const std::lock_guard lock(mutex_);
  Status status = status_;
  status.progress = ended_.value_or(Progress::working);
  status.time = time_;
  status.threads = is_stepped() ? 0 : options_.threads + threads_beside_lanes;
  if (queue_) {
    const auto counts = queue_->counts();
    status.taken = status.steps * options_.micro_batches;
    status.waiting = counts.waiting;
    status.dropped = counts.dropped;
  }
  return status;
}

Status Trainer::Session::status_of(Progress progress) const {
  Status status = this->status();
  status.progress = progress;
  return status;
}

// -- what the run says of itself ---------------------------------------------------------------

template <class Callback, class Argument>
void Trainer::Session::call_back(const Callback& callback, const Argument& argument) {
  changed_.notify_all();
  if (!callback || is_closed_) {
    return;
  }
  const Inside inside(*this);
  try {
    callback(argument);
  } catch (...) {  // as the interface says, it is not heard of
  }
}

void Trainer::Session::on_step(const actors::StepSummary& summary) {
  {
    const std::lock_guard lock(mutex_);
    status_.steps = summary.step + 1;
    status_.version = summary.version;
    status_.loss = summary.loss;
    // The epoch's end follows at once and says it all.
    step_has_ended_ = summary.step_in_epoch + 1 < summary.steps_in_epoch;
  }
  call_back(options_.on_step, StepReport{summary.step, summary.epoch, summary.version, summary.loss,
                                         summary.gradient_norm, summary.learning_rate});
}

void Trainer::Session::on_epoch(const actors::EpochSummary& summary) {
  const std::lock_guard lock(mutex_);
  status_.epochs = summary.epoch + 1;
  epoch_has_ended_ = true;
}

void Trainer::Session::on_notice(const actors::Notice& notice) {
  call_back(options_.on_notice, notice.text);
}

}  // namespace nodezero
