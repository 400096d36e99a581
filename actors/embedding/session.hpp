// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <condition_variable>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <shared_mutex>
#include <thread>

#include "actors/embedding/home_process.hpp"
#include "actors/embedding/host_calls.hpp"
#include "actors/embedding/state_folder.hpp"
#include "actors/errors.hpp"
#include "actors/run/assembly.hpp"
#include "actors/run/batch_queue.hpp"
#include "model/training/trained_model.hpp"
#include "nodezero/trainer.hpp"
#include "runtime/ask.hpp"
#include "runtime/host_scheduler.hpp"
#include "runtime/system_config.hpp"

namespace nodezero {

/// What a Trainer is: an actor system, and in it one run of the actors after the other. To save
/// or restore, the run is stopped as every run can be, and another goes on from its checkpoint,
/// which is proven to give the same bits.
class Trainer::Session : public std::enable_shared_from_this<Session>, private actors::Observer {
 public:
  static Result<std::shared_ptr<Session>> create(std::shared_ptr<const AnyTrainable> model,
                                                 TrainerOptions options);
  ~Session() override;

  Result<void> submit(AnyValue batch);
  Result<Status> step(std::uint64_t budget);
  Result<Status> advance_to(double time);
  Result<Status> wait_for_steps(std::uint64_t steps, std::chrono::milliseconds timeout);
  Status status() const;
  Result<Prediction<AnyValue>> predict(AnyValue input);
  Result<SavedState> save();
  Result<void> save(const std::string& name);
  Result<void> restore(std::span<const std::byte> state);
  Result<void> restore(const std::string& name);
  Result<void> close();
  /// Closes, or has it done when the callback has returned that this is called in.
  void let_go();
  /// Whether calls can be served: a child of fork() has none of the process's threads.
  bool is_within_reach() const { return is_stepped() || home_.is_here(); }

 private:
  struct SystemConfig;
  using SharedLock = std::shared_lock<std::shared_mutex>;
  using ExclusiveLock = std::unique_lock<std::shared_mutex>;

  Session(std::shared_ptr<const actors::HostCalls> host_calls,
          std::shared_ptr<const AnyTrainable> model,
          std::shared_ptr<const model::TrainedModel> trained, TrainerOptions options,
          actors::StateFolder folder);

  // The run of the actors; under run_mutex_, or before anybody else knows of the session:
  void start(std::optional<model::Checkpoint> from, bool trains);
  Result<model::Checkpoint> halt();
  void end_run();
  void send_exit();
  void await_exit();
  void replace(std::optional<model::Checkpoint> from, bool trains);
  Result<void> revive();
  void take_down();

  // Whose threads the actors have:
  bool is_stepped() const { return options_.running == Running::stepped; }
  bool has_own_threads() const { return options_.running == Running::own_threads; }
  bool run_one();
  bool work_until(const std::function<bool()>& is_done);
  Progress pump(std::uint64_t budget);
  Progress take_event();

  template <class Answer>
  Result<Answer> wait_for(std::future<Result<Answer>> answer);

  std::optional<Error> refusal(bool needs_stepped) const;
  Result<void> push_and_help(const AnyValue& batch);
  void notify_feed();
  Status status_of(Progress progress) const;
  void run_has_ended(const Result<actors::run_ended>& outcome);

  // What the run says of itself:
  void on_step(const actors::StepSummary& summary) override;
  void on_epoch(const actors::EpochSummary& summary) override;
  void on_notice(const actors::Notice& notice) override;
  template <class Callback, class Argument>
  void call_back(const Callback& callback, const Argument& argument);

  /// Stepped: while it lives, actors may be at work in this call. At its end the session is taken
  /// down if the trainer was destroyed in a callback meanwhile.
  class Inside {
   public:
    explicit Inside(Session& session);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Session& session_;
  };
  /// While it lives, this thread alone has the run and may exchange it.
  class Exchange {
   public:
    explicit Exchange(Session& session);

   private:
    Inside inside_;
    runtime::HostJobs::Turn turn_;
    ExclusiveLock lock_;
  };

  const std::shared_ptr<const actors::HostCalls> host_calls_;  ///< of the model and the options
  const std::shared_ptr<const AnyTrainable> model_;
  const std::shared_ptr<const model::TrainedModel> trained_;
  const TrainerOptions options_;
  const actors::StateFolder folder_;
  const actors::HomeProcess home_;
  const std::shared_ptr<actors::BatchQueue> queue_;  ///< null if batches are a function
  const std::thread::id owner_ = std::this_thread::get_id();
  const std::shared_ptr<runtime::HostJobs> jobs_;  ///< null without the host's executor

  std::unique_ptr<SystemConfig> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;  ///< stepped

  /// Exclusive: the run is exchanged. Shared: it is talked to.
  mutable std::shared_mutex run_mutex_;
  actors::RunActors actors_;
  bool is_revived_ = false;  ///< the run has ended and another one only answers predictions

  std::atomic<bool> is_closed_{false};
  std::atomic<bool> is_down_{false};          ///< and the actor system is gone
  std::atomic<bool> has_new_batches_{false};  ///< stepped: the feed has not been told
  std::atomic<double> time_{options_.start_time};
  int calls_inside_ = 0;  ///< stepped: of Inside, on the owner's thread

  mutable std::mutex mutex_;  ///< guards what follows
  std::condition_variable changed_;
  actors::feed_actor feed_;  ///< while it can be told of batches; not stepped
  Status status_;
  std::optional<Progress> ended_;  ///< finished or failed
  bool is_training_ = false;       ///< a run has been told to train and has not ended
  bool is_stopping_ = false;
  bool step_has_ended_ = false, epoch_has_ended_ = false;  ///< not yet told the host
};

template <class Answer>
Result<Answer> Trainer::Session::wait_for(std::future<Result<Answer>> answer) {
  runtime::forget_system_on_this_thread();
  const auto is_ready = [&] {
    return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
  };
  if (!has_own_threads() && !work_until(is_ready)) {
    return fail(ErrorCode::timed_out, "nobody answers");
  }
  return answer.get();
}

}  // namespace nodezero
