// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <future>
#include <memory>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "actors/embedding/home_process.hpp"
#include "actors/embedding/host_board.hpp"
#include "actors/embedding/host_calls.hpp"
#include "actors/embedding/keeper.hpp"
#include "actors/embedding/memory_reserve.hpp"
#include "actors/embedding/state_folder.hpp"
#include "actors/embedding/text_sink.hpp"
#include "model/training/trained_model.hpp"
#include "nodezero/trainer.hpp"
#include "runtime/host_scheduler.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero {

/// A future answer, and the function that settles it.
template <class Answer>
std::pair<actors::Settle<Answer>, std::future<Result<Answer>>> promised() {
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  auto answer = promise->get_future();
  return {[promise = std::move(promise)](Result<Answer> outcome) {
            promise->set_value(std::move(outcome));
          },
          std::move(answer)};
}

bool is_ready(const auto& answer) {
  return answer.wait_for(std::chrono::seconds(0)) == std::future_status::ready;
}

/// Without overflow, however long the time is.
inline std::chrono::steady_clock::time_point deadline_in(std::chrono::milliseconds time) {
  constexpr std::chrono::milliseconds century = std::chrono::hours(24 * 365 * 100);
  return std::chrono::steady_clock::now() + std::clamp(time, std::chrono::milliseconds(0), century);
}

/// Turns plain calls into messages to a keeper, which lives in an actor system of its own. A call
/// checks its thread and its arguments, sends the keeper a message with a promise in it, and waits
/// until the promise is settled; it is broken if the keeper has gone. How a call waits depends on
/// whose threads run the actors.
class Trainer::Session : public std::enable_shared_from_this<Session> {
 public:
  static Result<std::shared_ptr<Session>> create(std::shared_ptr<const AnyTrainable> model,
                                                 TrainerOptions options);
  ~Session();

  Result<void> submit(AnyValue batch);
  Result<Status> step(std::uint64_t budget);
  Result<Status> advance_to(double time);
  Result<Status> wait_for_steps(std::uint64_t steps, std::chrono::milliseconds timeout);
  Status status() const { return board_->status(); }
  Result<Prediction<AnyValue>> predict(AnyValue input);
  Result<std::shared_ptr<actors::TextSink>> begin_text(const Prompt& prompt, std::uint64_t& ticket);
  Result<std::optional<std::int32_t>> next_token(actors::TextSink& text);
  void cancel_text(std::uint64_t ticket);
  Result<SavedState> save();
  Result<void> save(const std::string& name);
  Result<void> restore(std::span<const std::byte> state);
  Result<void> restore(const std::string& name);
  Result<void> close();
  /// Closes; if called inside a callback, when the callback has returned.
  void let_go();
  /// Whether calls can be served: in a child of fork() none of the threads exist.
  bool is_within_reach() const { return is_stepped() || home_.is_here(); }

 private:
  struct SystemConfig;
  using Deadline = std::chrono::steady_clock::time_point;

  Session(std::shared_ptr<const actors::HostCalls> host_calls,
          std::shared_ptr<const AnyTrainable> model,
          std::shared_ptr<const model::TrainedModel> trained, TrainerOptions options,
          actors::StateFolder folder, std::shared_ptr<runtime::OwnThreads> threads,
          std::shared_ptr<actors::OtherMachines> others);
  void begin();

  bool is_stepped() const { return options_.running == Running::stepped; }
  bool has_own_threads() const { return options_.running == Running::own_threads; }
  static Deadline forever() { return deadline_in(std::chrono::milliseconds::max()); }
  bool is_owner() const { return std::this_thread::get_id() == owner_; }

  /// Why this thread cannot make such a call now.
  std::optional<Error> refusal(bool needs_stepped) const;
  bool is_closed() const;
  /// Sends the keeper the message.
  template <class Message>
  Result<void> tell(Message message);
  /// Sends the keeper the message, with a promise as its `settle`, and waits for the answer.
  template <class Answer, class Message>
  Result<Answer> ask(Message message);
  template <class Answer>
  Result<Answer> await(std::future<Result<Answer>> answer);

  Progress pump(std::uint64_t budget);
  Status status_of(Progress progress) const;

  bool say_close();
  bool finish(Deadline deadline);

  /// Stepped: while it lives, this call runs actors. At its end it takes the session down if the
  /// trainer was closed in a callback meanwhile.
  class Inside {
   public:
    explicit Inside(Session& session);
    ~Inside();
    Inside(const Inside&) = delete;
    Inside& operator=(const Inside&) = delete;

   private:
    Session& session_;
    const runtime::HostJobs::Turn turn_;
  };

  const actors::MemoryReserve reserve_;
  const std::shared_ptr<const actors::HostCalls> host_calls_;  ///< of the model and the options
  const std::shared_ptr<const AnyTrainable> model_;
  const std::shared_ptr<const model::TrainedModel> trained_;
  const TrainerOptions options_;
  const actors::StateFolder folder_;
  const actors::HomeProcess home_;
  const std::thread::id owner_ = std::this_thread::get_id();
  const std::shared_ptr<actors::BatchQueue> queue_;  ///< null if batches are a function
  const std::shared_ptr<actors::HostBoard> board_;
  const std::shared_ptr<runtime::HostJobs> jobs_;  ///< null without the host's executor

  const std::shared_ptr<actors::OtherMachines> others_;  ///< or null

  std::unique_ptr<SystemConfig> config_;
  std::unique_ptr<caf::actor_system> system_;
  caf::scheduler::test_coordinator* scheduler_ = nullptr;  ///< stepped
  int calls_inside_ = 0;                                   ///< stepped: of Inside

  std::atomic<std::uint64_t> texts_ = 0;  ///< asked for so far

  mutable std::mutex mutex_;     ///< guards what follows; no call waits while it holds it
  actors::keeper_actor keeper_;  ///< null once somebody has closed
  std::shared_future<Result<void>> closed_;  ///< the keeper's last answer
};

}  // namespace nodezero
