// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Where the work of a trainer is done.
enum class Running {
  stepped = 0,        ///< inside of the host's calls: no thread is started and time is the host's
  own_threads = 1,    ///< on lanes of its own, beside a few threads more: see Threads
  host_executor = 2,  ///< in jobs that the host runs, see `TrainerOptions::execute`
};

/// What `submit` does when the queue is full.
enum class WhenFull {
  wait = 0,         ///< until there is room; an error where that would be for ever
  drop_oldest = 1,  ///< the oldest batch that no step has taken is forgotten
  refuse = 2,       ///< the new batch, with ErrorCode::queue_full
};

/// AdamW with decoupled weight decay (Loshchilov, Hutter, 2019).
struct OptimizerOptions {
  double learning_rate = 1e-3;
  double min_learning_rate = 1e-4;  ///< at the last step of `total_steps`
  std::uint64_t warmup = 0;         ///< steps over which the rate rises to learning_rate
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double clip = 1.0;  ///< largest global norm of a gradient; 0: no clipping
};

/// A step that has been done.
struct StepReport {
  std::uint64_t step = 0;  ///< counted over all epochs, from 0
  std::uint64_t epoch = 0;
  std::uint64_t version = 0;  ///< of the weights after the step
  double loss = 0;            ///< the mean, before the step
  double gradient_norm = 0;   ///< before clipping
  double learning_rate = 0;
};

/// Calls the job once, soon, on any thread of the host's; is called from any thread. A job never
/// throws or waits for another one, and may be called even when the trainer is gone. If this
/// throws or forgets the job, its work is done when the trainer is called the next time. If it runs
/// the job before it returns, the call that it is called in ends when all is done that the batches
/// make possible; if they never end, that work is left to the calls that wait for it.
using Executor = std::function<void(std::function<void()> job)>;

/// Gives the micro-batch at a position of a step: a pure function, called from any thread.
using BatchFunction = std::function<AnyValue(std::uint64_t epoch, std::uint64_t step_in_epoch,
                                             std::uint32_t position)>;

/// How a trainer learns, and where and when. The defaults train in the host's calls.
struct TrainerOptions {
  Running running = Running::stepped;
  std::uint32_t threads = 1;    ///< lanes, up to 1,024, that compute at once; stepped has one
  std::uint32_t spheres = 3;    ///< workers of the tree
  std::uint32_t symmetry = 12;  ///< children of a sphere, at least 2

  std::uint32_t micro_batches = 1;    ///< batches that a step takes
  std::uint64_t steps_in_epoch = 10;  ///< predictions see new weights at the end of an epoch
  /// After these the trainer is finished; the learning rate falls towards them. 0: it goes on
  /// for as long as there are batches, and after warm-up the rate stays as it is.
  std::uint64_t total_steps = 0;
  std::uint64_t seed = 1337;  ///< of the first weights
  OptimizerOptions optimizer;

  /// Where batches come from; null: `submit`.
  BatchFunction batches;
  std::size_t queue_bound = 64;  ///< batches that wait; at least micro_batches
  WhenFull when_full = WhenFull::wait;

  double time_per_step = 0;  ///< of the host's time, for `advance_to`; 0: a step takes none
  double start_time = 0;     ///< the host's time before the first step, such as its Unix time
  /// A folder that is this trainer's alone while it lives, for `save` and `restore` with names.
  std::filesystem::path folder;

  /// For Running::host_executor.
  Executor execute;

  /// Called where the trainer's work is done, one at a time. They must not throw. These, `batches`,
  /// `execute` and the model's functions may ask this trainer for its status and submit to it while
  /// there is room; whatever would wait for them returns ErrorCode::busy.
  std::function<void(const StepReport&)> on_step;
  std::function<void(const std::string&)> on_notice;  ///< such as a batch that is tried again
};

/// How far a call has come.
enum class Progress {
  idle = 0,        ///< nothing can be done before there are more batches
  working = 1,     ///< there is more to do
  step_done = 2,   ///< the weights have a new version
  epoch_done = 3,  ///< and predictions see it
  finished = 4,    ///< all of `total_steps` are done
  failed = 5,      ///< see Status::failure; `restore` goes on from an earlier state
};

/// Threads that a trainer has started and that live: none, unless it has threads of its own.
struct Threads {
  std::uint32_t lanes = 0;          ///< compute; as many as TrainerOptions::threads
  std::uint32_t observers = 0;      ///< one, that calls on_step and on_notice
  std::uint32_t checkpointers = 0;  ///< one, that holds the last version's state
  std::uint32_t workers = 0;        ///< of the actor system: one, for all other actors
  std::uint32_t clocks = 0;         ///< of the actor system: one, for timeouts
  std::uint32_t printers = 0;       ///< of the actor system: one, that never has anything to do

  std::uint32_t all() const {
    return lanes + observers + checkpointers + workers + clocks + printers;
  }
};

/// How far a trainer is.
struct Status {
  Progress progress = Progress::working;
  double time = 0;           ///< that advance_to has reached, from TrainerOptions::start_time on
  std::uint64_t steps = 0;   ///< done, over all epochs
  std::uint64_t epochs = 0;  ///< done
  std::uint64_t version = 0;
  double loss = 0;            ///< of the last step
  std::uint64_t taken = 0;    ///< submitted batches that the steps so far were made of
  std::uint64_t waiting = 0;  ///< submitted batches that no step has taken
  std::uint64_t dropped = 0;  ///< by WhenFull::drop_oldest
  Threads threads;
  std::string failure;  ///< one line
};

/// A model's answer and the version of the weights that gave it.
template <class Output>
struct Prediction {
  std::uint64_t version = 0;
  Output output;
};

/// The state of a trainer at a step boundary.
using SavedState = std::vector<std::byte>;

/// Trains a model inside of a host program: a tree of actors behind plain calls. Any number of
/// trainers may live in a process; they share nothing. A trainer prints nothing, handles no
/// signal and never ends the process.
///
/// All calls are for any thread, except that a stepped trainer takes everything but `submit` and
/// `status` from the thread alone that created it. With the host's executor, a call that waits
/// does the trainer's jobs meanwhile, in its own thread. The weights are the same, bit for bit,
/// however it runs.
class NODEZERO_EXPORT Trainer {
 public:
  /// invalid_argument for options that cannot work and models without tensors; in_use and io for
  /// the folder.
  static Result<Trainer> create(std::shared_ptr<const AnyTrainable> model, TrainerOptions options);
  /// The same with a model of a type of its own.
  template <Trainable Model>
  static Result<Trainer> create(Model model, TrainerOptions options) {
    return create(make_trainable(std::move(model)), std::move(options));
  }
  Trainer(Trainer&&) noexcept;
  Trainer& operator=(Trainer&&) noexcept;
  /// Closes. In a callback of this trainer's it ends when the callback has returned.
  ~Trainer();

  /// Hands a batch over, which is what a step is made of together with others: see
  /// TrainerOptions::micro_batches. wrong_shape or not_finite if the model does not take it;
  /// queue_full as TrainerOptions::when_full says.
  template <class Batch>
  Result<void> submit(Batch batch) {
    return submit_value(AnyValue::of(std::move(batch)));
  }
  /// The same with a value of any type.
  Result<void> submit_value(AnyValue batch);

  /// Stepped: handles at most `budget` messages (at least 1; one of them computes a
  /// micro-batch) and returns early at the end of a step and when nothing is left to do.
  Result<Status> step(std::uint64_t budget);
  /// Stepped: does all steps that the host's time up to `time` has room for and the batches
  /// suffice for, and says which time it has reached: `time`, or what the last step ended at.
  /// `time` must not lie before the time reached.
  Result<Status> advance_to(double time);
  /// Not stepped: waits until that many steps are done, counted over all epochs, and returns
  /// earlier if the trainer is finished or has failed; timed_out after `timeout`, or when a job
  /// ends that it does then.
  Result<Status> wait_for_steps(std::uint64_t steps, std::chrono::milliseconds timeout);
  /// How far the trainer is. Waits for nothing.
  Status status() const;

  /// Asks the last weights that an epoch ended with; before the first has ended, the first weights,
  /// version 0. Stepped, it handles what waits before it. `Output` and `Input` are those of the
  /// model; wrong_shape if they are not.
  template <class Output, class Input>
  Result<Prediction<Output>> predict(Input input) {
    auto answer = predict_value(AnyValue::of(std::move(input)));
    if (!answer) {
      return tl::unexpected<Error>(std::move(answer.error()));
    }
    if (!answer->output.holds(typeid(Output))) {
      return fail(ErrorCode::wrong_shape, "the model's predictions are of another type");
    }
    return Prediction<Output>{answer->version,
                              *static_cast<const Output*>(answer->output.value.get())};
  }
  /// The same with values of any type.
  Result<Prediction<AnyValue>> predict_value(AnyValue input);

  /// The whole state at the boundary of the last step. An unfinished step is done again, with
  /// the same bits. Batches are not part of it: after `restore` those that were not yet
  /// `Status::taken` have to be submitted again.
  Result<SavedState> save();
  /// Into a file of the folder of the options, whole or not at all.
  Result<void> save(const std::string& name);
  /// Goes on from a state of this model, as if nothing had happened since. Batches that wait
  /// are forgotten, and Status::time is TrainerOptions::start_time and what the state's steps took:
  /// their number times TrainerOptions::time_per_step. malformed, wrong_shape if it is another
  /// model's, and invalid_argument if micro_batches or steps_in_epoch were not what they are here;
  /// after an error everything is as it was.
  Result<void> restore(std::span<const std::byte> state);
  Result<void> restore(const std::string& name);

  /// Ends it: calls that wait return ErrorCode::closed, as do all later ones.
  Result<void> close();

 private:
  class Session;
  explicit Trainer(std::shared_ptr<Session> session);
  std::shared_ptr<Session> session_;
};

}  // namespace nodezero
