// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/optimizer_options.hpp"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Where a trainer does its work.
enum class Running {
  stepped = 0,        ///< inside the host's calls: no thread is started and time is the host's
  own_threads = 1,    ///< on threads of its own: lanes and a few others, see Threads
  host_executor = 2,  ///< in jobs that the host runs, see `TrainerOptions::execute`
};

/// What `submit` does when the queue is full.
enum class WhenFull {
  wait = 0,         ///< waits until there is room; an error if that could never happen
  drop_oldest = 1,  ///< drops the oldest batch that no step has taken
  refuse = 2,       ///< refuses the new batch with ErrorCode::queue_full
};

/// A completed step.
struct StepReport {
  std::uint64_t step = 0;  ///< counted from 0, across epochs
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;  ///< of the weights after the step
  double loss = 0;            ///< the mean, with the weights before the step
  double gradient_norm = 0;   ///< before clipping
  double learning_rate = 0;
};

/// Must call the job once, soon, on any of the host's threads. It is itself called from any thread.
/// A job never throws, never waits for another job, and may be called after the trainer is gone.
/// If the executor throws or loses the job, the work is done during the next call to the trainer.
/// An executor may also run the job before it returns. The trainer's call that led to it then does
/// all the work the batches allow; if the batches never end, the work is left to the calls that
/// wait for it.
///
///     options.execute = [&pool](std::function<void()> job) { pool.post(std::move(job)); };
using Executor = std::function<void(std::function<void()> job)>;

/// Returns the micro-batch at a position of a step. A pure function, called from any thread.
using BatchFunction = std::function<AnyValue(std::uint64_t epoch, std::uint64_t step_in_epoch,
                                             std::uint32_t position)>;

/// Other machines that take part in a trainer's steps; see hosts.hpp.
class Machines;

/// How, where and when a trainer learns. By default it trains inside the host's calls.
struct TrainerOptions {
  Running running = Running::stepped;
  std::uint32_t threads = 1;    ///< lanes that compute at the same time, at most 1,024; stepped: 1
  std::uint32_t spheres = 3;    ///< workers of the tree, at most 1,000,000
  std::uint32_t symmetry = 12;  ///< most children of a sphere, 2 to 65,536

  std::uint32_t micro_batches = 1;    ///< batches per step, at most 1,000,000
  std::uint64_t steps_in_epoch = 10;  ///< predictions see new weights at the end of an epoch
  /// The trainer is finished after this many steps, and the learning rate decays until then.
  /// 0: it continues for as long as there are batches, and the rate stays constant after warm-up.
  std::uint64_t total_steps = 0;
  std::uint64_t seed = 1337;  ///< of the initial weights
  OptimizerOptions optimizer;

  /// Where batches come from; null: from `submit`.
  BatchFunction batches;
  std::size_t queue_bound = 64;  ///< most batches in the queue; at least micro_batches
  WhenFull when_full = WhenFull::wait;

  double time_per_step = 0;  ///< in the host's time, for `advance_to`; 0: a step takes no time
  double start_time = 0;     ///< the host's time before the first step, such as its Unix time
  /// For `save` and `restore` with names. No other trainer may use the folder meanwhile. A relative
  /// path is resolved when the trainer is created.
  std::filesystem::path folder;
  /// Whether `restore` takes states that another version of the library's arithmetic has computed.
  /// What they become is not what a run from the start would have become.
  bool accept_other_arithmetic = false;

  /// For Running::own_threads: `listen` (hosts.hpp) makes them. Null: this machine computes alone.
  std::shared_ptr<Machines> machines;

  /// For Running::host_executor.
  Executor execute;
  /// How long `close` and the destructor wait for jobs that the executor's threads have begun. A
  /// job that ends later starts no more work, and the last one frees what the trainer held.
  std::chrono::milliseconds close_timeout = std::chrono::minutes(1);

  /// Callbacks, called one at a time where the trainer does its work. They must not throw. They,
  /// `batches`, `execute` and the model's functions may call `status`, and `submit` while there is
  /// room; any call that would wait for them returns ErrorCode::busy.
  std::function<void(const StepReport&)> on_step;
  std::function<void(const std::string&)> on_notice;  ///< for example, a batch is being retried
};

/// How far a call has got.
enum class Progress {
  idle = 0,        ///< nothing to do until there are more batches
  working = 1,     ///< there is more to do
  step_done = 2,   ///< the weights have a new version
  epoch_done = 3,  ///< and predictions see it
  finished = 4,    ///< all of `total_steps` are done
  failed = 5,      ///< see Status::failure; `restore` continues from an earlier state
};

/// The live threads that a trainer has started: none, unless it runs on threads of its own.
struct Threads {
  std::uint32_t lanes = 0;          ///< these compute; as many as TrainerOptions::threads
  std::uint32_t observers = 0;      ///< one, which calls on_step and on_notice
  std::uint32_t checkpointers = 0;  ///< one, which holds the last version's state
  /// Of the actor system, for all other actors: one, and one more with other machines.
  std::uint32_t workers = 0;
  std::uint32_t clocks = 0;      ///< of the actor system: one, for timeouts
  std::uint32_t networkers = 0;  ///< with other machines: two, which carry messages
  std::uint32_t printers = 0;    ///< of the actor system: none any more

  std::uint32_t all() const {
    return lanes + observers + checkpointers + workers + clocks + networkers + printers;
  }
};

/// The state of a trainer.
struct Status {
  Progress progress = Progress::working;
  double time = 0;           ///< reached by advance_to; begins at TrainerOptions::start_time
  std::uint64_t steps = 0;   ///< done so far, across epochs
  std::uint64_t epochs = 0;  ///< done so far
  std::uint64_t version = 0;
  double loss = 0;            ///< of the last step
  std::uint64_t taken = 0;    ///< submitted batches used by the steps so far
  std::uint64_t waiting = 0;  ///< submitted batches that no step has taken
  std::uint64_t dropped = 0;  ///< by WhenFull::drop_oldest
  Threads threads;
  std::string failure;  ///< why training has failed, in one line; otherwise empty
};

/// A model's answer and the version of the weights that produced it.
template <class Output>
struct Prediction {
  std::uint64_t version = 0;
  Output output;
};

struct Prompt;

/// A text that is being generated, token by token, from one version of the weights, which it keeps
/// until its end. Calls are allowed where those of its trainer are, by one thread at a time.
class NODEZERO_EXPORT TokenStream {
 public:
  TokenStream(TokenStream&&) noexcept;
  TokenStream& operator=(TokenStream&&) noexcept;
  /// Cancels.
  ~TokenStream();

  /// The next token, or nothing once the text has all of them. Waits for it; a stepped trainer
  /// computes it meanwhile, with the messages that came before. failed or closed if the text ended
  /// early.
  Result<std::optional<std::int32_t>> next();
  /// Nobody wants the rest: no more is computed than the tokens that a lane is at.
  void cancel();
  /// Of the weights; 0 before the first token.
  std::uint64_t version() const;

 private:
  friend class Trainer;
  struct State;
  explicit TokenStream(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// The state of a trainer at a step boundary.
using SavedState = std::vector<std::byte>;

/// Trains a model inside a host program: a tree of actors behind ordinary calls. A process may have
/// any number of trainers; they share nothing. A trainer prints nothing, handles no signals and
/// never ends the process. In a child of fork() its calls return ErrorCode::closed, unless it is
/// stepped. The host's functions are always called in the default floating-point environment.
///
///     auto trainer = Trainer::create(MultilayerPerceptron({18, 40, 2}), TrainerOptions{});
///     trainer->submit(Examples{inputs, targets});                 // what the host has just seen
///     trainer->advance_to(time);                                  // trains, here and now
///     auto answer = trainer->predict<std::vector<float>>(input);  // answer->version, ->output
///
/// Calls are allowed from any thread, except that a stepped trainer accepts only `submit` and
/// `status` from threads other than its creator's. With the host's executor, a call that waits
/// runs the trainer's jobs in its own thread meanwhile. The weights are the same, bit for bit, in
/// all three ways of running.
class NODEZERO_EXPORT Trainer {
  friend class TokenStream;

 public:
  /// invalid_argument for options that cannot work and models without tensors; in_use or io if the
  /// folder cannot be used.
  static Result<Trainer> create(std::shared_ptr<const AnyTrainable> model, TrainerOptions options);
  /// The same for a model of any Trainable type.
  template <Trainable Model>
  static Result<Trainer> create(Model model, TrainerOptions options) {
    return create(make_trainable(std::move(model)), std::move(options));
  }
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  /// Closes the trainer. Inside one of its own callbacks, it closes when the callback returns.
  ~Trainer();

  /// Adds a batch to the queue. A step takes TrainerOptions::micro_batches of them. wrong_shape or
  /// not_finite if the model rejects the batch; queue_full depending on TrainerOptions::when_full.
  template <class Batch>
  Result<void> submit(Batch batch) {
    return submit_value(AnyValue::of(std::move(batch)));
  }
  /// The same for a value of any type.
  Result<void> submit_value(AnyValue batch);

  /// Stepped only: handles at most `budget` messages (at least 1; computing a micro-batch is one
  /// message). Returns early at the end of a step and when nothing is left to do.
  Result<Status> step(std::uint64_t budget);
  /// Stepped only: does as many steps as fit into the host's time up to `time` and as there are
  /// batches for. The status says which time was reached: `time`, or the end of the last step.
  /// `time` must not lie before the time already reached.
  Result<Status> advance_to(double time);
  /// Not stepped: waits until `steps` steps are done, counted across epochs. Returns earlier if the
  /// trainer finishes or fails. timed_out after `timeout`; with the host's executor, at the end of
  /// the job it is running then.
  Result<Status> wait_for_steps(std::uint64_t steps, std::chrono::milliseconds timeout);
  /// The current state. Never waits.
  Status status() const;

  /// Predicts with the weights at the end of the last epoch, or with the initial weights (version
  /// 0) during the first epoch. A stepped trainer first handles the messages that came before.
  /// `Input` and `Output` must be the model's types; otherwise wrong_shape.
  template <class Output, class Input>
  Result<Prediction<Output>> predict(Input input) {
    auto answer = predict_value(AnyValue::of(std::move(input)));
    if (!answer) {
      return tl::unexpected<Error>(std::move(answer.error()));
    }
    const auto output = answer->output.template as<Output>();
    if (!output) {
      return fail(ErrorCode::wrong_shape, "the model's predictions are of another type");
    }
    return Prediction<Output>{answer->version, *output};
  }
  /// The same for values of any type; `output.as<Output>()` is the answer without a copy.
  Result<Prediction<AnyValue>> predict_value(AnyValue input);

  /// Begins to generate a text with the weights that `predict` would use; the tokens are those of
  /// its answer. It goes on beside the training, whatever is saved or restored meanwhile. For a
  /// LanguageModel; wrong_mode for others. `Prompt` is in nodezero/language_model.hpp.
  Result<TokenStream> generate(const Prompt& prompt);

  /// The whole state at the end of the last step. An unfinished step is done again afterwards, with
  /// the same bits. Batches are not part of the state: after `restore`, submit those again that
  /// come after `Status::taken`.
  Result<SavedState> save();
  /// Saves to a file in TrainerOptions::folder, completely or not at all.
  Result<void> save(const std::string& name);
  /// Continues from a state of this model as if nothing had happened since. Queued batches are
  /// dropped, and Status::time becomes TrainerOptions::start_time plus the time the state's steps
  /// took: their number times TrainerOptions::time_per_step. malformed for damaged states,
  /// wrong_shape for another model's, invalid_argument if micro_batches or steps_in_epoch differ
  /// from those of the state, or its arithmetic from the library's unless that is accepted. After
  /// an error nothing has changed.
  Result<void> restore(std::span<const std::byte> state);
  Result<void> restore(const std::string& name);

  /// Ends the trainer. Waiting calls return ErrorCode::closed at once, and so do all later ones.
  /// Waits for the micro-batch or prediction that is being computed. Fails with timed_out if the
  /// host's executor does not finish it, see TrainerOptions::close_timeout; then it may be called
  /// again.
  Result<void> close();

 private:
  class Session;
  explicit Trainer(std::shared_ptr<Session> session);
  std::shared_ptr<Session> session_;
};

}  // namespace nodezero
