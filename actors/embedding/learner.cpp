// SPDX-License-Identifier: BSD-3-Clause

// The learner of nodezero/caf.hpp.

#include <mutex>
#include <utility>

#include "actors/embedding/host_batches.hpp"
#include "actors/embedding/host_run.hpp"
#include "actors/run/assembly.hpp"
#include "nodezero/caf.hpp"
#include "runtime/floating_point_mode.hpp"
#include "runtime/recorded.hpp"

namespace nodezero {
namespace {

/// What the run says of itself, on the observer's thread, for those that ask the learner.
class LearnerObserver : public actors::Observer {
 public:
  explicit LearnerObserver(const TrainerOptions& options)
      : on_step_(options.on_step), on_notice_(options.on_notice) {}

  Status status() const {
    const std::lock_guard lock(mutex_);
    return status_;
  }
  void ended(Progress progress, std::string failure) {
    const std::lock_guard lock(mutex_);
    status_.progress = progress;
    status_.failure = std::move(failure);
  }

  void on_step(const actors::StepSummary& summary) override {
    {
      const std::lock_guard lock(mutex_);
      status_.steps = summary.step + 1;
      status_.version = summary.version;
      status_.loss = summary.loss;
    }
    if (on_step_) {
      on_step_({summary.step, summary.epoch, summary.version, summary.loss, summary.gradient_norm,
                summary.learning_rate});
    }
  }
  void on_epoch(const actors::EpochSummary& summary) override {
    const std::lock_guard lock(mutex_);
    status_.epochs = summary.epoch + 1;
  }
  void on_notice(const actors::Notice& notice) override {
    if (on_notice_) {
      on_notice_(notice.text);
    }
  }

 private:
  std::function<void(const StepReport&)> on_step_;
  std::function<void(const std::string&)> on_notice_;
  mutable std::mutex mutex_;
  Status status_;
};

/// A run whose observer lives for as long as its actor, which may be longer than the learner.
actors::RunActors spawn_observed(caf::actor_system& system, const actors::RunSettings& settings,
                                 const std::shared_ptr<LearnerObserver>& observer) {
  auto run = actors::spawn_run(system, runtime::Scheduling::threads, settings, *observer);
  caf::actor_cast<caf::abstract_actor*>(run.observer)->attach_functor([observer] {});
  return run;
}

class learner : public runtime::recorded<learner_actor::base> {
 public:
  learner(caf::actor_config& config, std::shared_ptr<const AnyTrainable> model,
          TrainerOptions options, actors::RunSettings settings, actors::RunActors run,
          std::shared_ptr<LearnerObserver> observer)
      : recorded(config),
        model_(std::move(model)),
        options_(std::move(options)),
        settings_(std::move(settings)),
        queue_(settings_.submitted),
        run_(std::move(run)),
        observer_(std::move(observer)) {}

  const char* name() const override { return "learner"; }
  void on_exit() override {
    run_.send_exit();
    run_ = {};
  }

 protected:
  behavior_type make_behavior() override {
    request(run_.driver, std::chrono::seconds(1'000'000'000), actors::run_all{})
        .then(
            [this](const actors::run_ended& end) {
              observer_->ended(end.reason ? Progress::failed : Progress::finished,
                               end.reason ? to_string(*end.reason) : std::string());
              go_on_answering(end.checkpoint);
            },
            [this](const caf::error& error) {
              observer_->ended(Progress::failed, to_string(actors::to_error(error)));
            });
    return {
        [this](const submit_batch& message) { return take(message); },
        [this](const ask_model& message) { return ask(message); },
        [this](const ask_status&) {
          Status status = observer_->status();
          status.taken = queue_ ? status.steps * options_.micro_batches : 0;
          status.waiting = queue_ ? queue_->counts().waiting : 0;
          status.dropped = queue_ ? queue_->counts().dropped : 0;
          status.threads = {.lanes = options_.threads, .observers = 1, .checkpointers = 1};
          return status;
        },
    };
  }

 private:
  /// The run has ended; another, which does not train, has its last weights.
  void go_on_answering(const model::Checkpoint& last) {
    if (last.weights) {
      settings_.resume = last;
      run_.send_exit();
      run_ = spawn_observed(home_system(), settings_, observer_);
      settings_.resume.reset();
    }
  }

  caf::result<batch_taken> take(const submit_batch& message) {
    if (!queue_) {
      return actors::make_error(
          {ErrorCode::wrong_mode, "this learner's batches come from a function"});
    }
    if (const auto error = actors::check_batch(*model_, message.batch)) {
      return actors::make_error(*error);
    }
    if (auto pushed = queue_->push(message.batch, false); !pushed) {
      return actors::make_error(pushed.error());
    }
    send(run_.feed, actors::batches_arrived{});
    return batch_taken{};
  }

  caf::result<model_answer> ask(const ask_model& message) {
    if (!message.input.holds(model_->input_type())) {
      return actors::make_error(
          {ErrorCode::wrong_shape, "the input is of a type that the model does not take"});
    }
    if (const auto error = model_->check_input(message.input.value.get())) {
      return actors::make_error(*error);
    }
    auto promise = make_response_promise<model_answer>();
    actors::generate question;
    question.input = message.input;
    request(run_.lifecycle, std::chrono::seconds(1'000'000'000), std::move(question))
        .then(
            [promise](const actors::generated& answer) mutable {
              promise.deliver(model_answer{answer.envelope.version, answer.output});
            },
            [promise](const caf::error& error) mutable { promise.deliver(error); });
    return promise;
  }

  std::shared_ptr<const AnyTrainable> model_;
  TrainerOptions options_;
  actors::RunSettings settings_;
  std::shared_ptr<actors::BatchQueue> queue_;
  actors::RunActors run_;
  std::shared_ptr<LearnerObserver> observer_;
};

}  // namespace

Result<learner_actor> spawn_learner(caf::actor_system& system,
                                    std::shared_ptr<const AnyTrainable> model,
                                    TrainerOptions options) {
  options.running = Running::own_threads;
  const runtime::FloatingPointMode mode;
  try {
    auto trained = actors::trained_model(model, options);
    if (!trained) {
      return tl::unexpected<Error>(std::move(trained.error()));
    }
    auto queue = options.batches
                     ? nullptr
                     : std::make_shared<actors::BatchQueue>(options.queue_bound, options.when_full);
    auto observer = std::make_shared<LearnerObserver>(options);
    auto settings = actors::host_run_settings(model, std::move(*trained), options, queue);
    auto run = spawn_observed(system, settings, observer);
    return system.spawn<learner>(std::move(model), std::move(options), std::move(settings),
                                 std::move(run), std::move(observer));
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("the learner cannot begin: ") + error.what());
  }
}

}  // namespace nodezero
