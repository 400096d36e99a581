// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "actors/embedding/host_board.hpp"
#include "actors/embedding/text_sink.hpp"
#include "actors/fingerprints.hpp"
#include "actors/run/assembly.hpp"
#include "actors/run/batch_queue.hpp"
#include "actors/run/other_machines.hpp"
#include "nodezero/caf.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Called once with the outcome of a call. It is destroyed without having been called if the keeper
/// has gone.
template <class Answer>
using Settle = std::function<void(Result<Answer>)>;

// What a Trainer sends its keeper, one message per call. Accepted in every state.

/// Asks for a prediction by the weights that the last epoch or the last run ended with.
struct ask_weights {
  AnyValue input;
  Settle<Prediction<AnyValue>> settle;
};
/// Asks for a text from the same weights, token by token, which the sink is told. `ticket` names it
/// to abandon_request.
struct ask_text {
  std::uint64_t ticket = 0;
  generate request;
  std::shared_ptr<TextSink> sink;
};
/// Asks for the state at the end of the last step.
struct save_run {
  Settle<model::Checkpoint> settle;
};
/// Goes on from that state.
struct restore_run {
  model::Checkpoint state;
  Settle<void> settle;
};
/// Ends everything; settled when none of the host's code is being called any more.
struct close_run {
  Settle<void> settle;
};

using keeper_actor =
    learner_actor::extend<runtime::Accepts<ask_weights>, runtime::Accepts<ask_text>,
                          runtime::Accepts<generated_piece>, runtime::Accepts<abandon_request>,
                          runtime::Accepts<save_run>, runtime::Accepts<restore_run>,
                          runtime::Accepts<close_run>>;

/// An actor of the host's that reads a text.
using reader_actor = caf::typed_actor<runtime::Accepts<text_piece>>;

struct KeeperSettings {
  std::shared_ptr<const AnyTrainable> model;
  std::shared_ptr<HostBoard> board;
  RunSettings run;                                  ///< of all runs, apart from where they begin
  std::shared_ptr<OtherMachines> others = nullptr;  ///< that take part in all of them; may be null
};

/// A host's training from its first step to its end. It owns the run (the actors that train, one
/// run after the other with the same workers), decides when the queue of batches takes no more, and
/// holds the questions that wait.
///
///   training -> ending -> training, resting or failed
///   resting, failed -> ending -> training       and from all of them: closed
///
/// To save or restore, the run is stopped and another goes on from its checkpoint, which gives the
/// same bits. No question is refused while there are weights: one that comes while a run is ending
/// waits until it has ended. A text is generated to its end from the version that it began with,
/// whatever becomes of its run.
class keeper : public runtime::recorded<keeper_actor::base>, public runtime::Explorable {
 public:
  /// `run` has not begun to train.
  keeper(caf::actor_config& config, KeeperSettings settings, RunActors run);

  const char* name() const override { return "keeper"; }
  void on_exit() override;
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

  // The states, with their names in traces:
  struct training {
    static constexpr auto name = "training";
  };
  /// The run comes to its end, to be saved or replaced, and answers what it was asked before.
  struct ending {
    static constexpr auto name = "ending";
  };
  /// The run has ended and its last weights answer questions.
  struct resting {
    static constexpr auto name = "resting";
  };
  /// The run has ended and its weights are lost.
  struct failed {
    static constexpr auto name = "failed";
  };
  struct closed {
    static constexpr auto name = "closed";
  };
  using Phase = std::variant<training, ending, resting, failed, closed>;

 protected:
  behavior_type make_behavior() override;

 private:
  using Question = ask_weights;
  using Change = std::variant<save_run, restore_run>;
  struct Reader {
    reader_actor actor;
    std::uint64_t number = 0;  ///< what it calls the text
    std::uint64_t told = 0;    ///< tokens
    caf::typed_response_promise<text_end> promise;
  };
  struct Text {
    std::variant<std::shared_ptr<TextSink>, Reader> to;
    lifecycle_actor gate;  ///< of its run
  };

  caf::result<batch_taken> take(const submit_batch& message);
  caf::result<model_answer> ask(const ask_model& message);
  caf::result<text_end> ask(const ask_for_text& message);
  void cancel(const cancel_text& message);

  void ask(Question question);
  void ask_the_run();
  void answer(std::uint64_t number, const Result<Prediction<AnyValue>>& answer);

  void begin_text(std::uint64_t ticket, generate request, Text text);
  void hear(const generated_piece& piece);
  void end_text(std::uint64_t ticket, std::optional<Error> failure);
  void end(Text& text, std::optional<Error> failure);
  template <class Condition>
  void cancel_texts(Condition condition);
  void stop_answering_in_vain();

  void train(const model::TrainingProgress& progress, bool restored);
  void begin(const model::Checkpoint& from, bool restored);
  template <class Message>
  void change(const Message& message);
  void end_run();
  void run_has_ended(run_ended end);
  void over(Progress how);
  void go_on();
  void make(const save_run& change);
  void make(const restore_run& change);

  void close(const close_run& message);
  void leave();
  void someone_is_down(const caf::down_msg& down);

  template <class S>
  void enter(S next) {
    this->record_state(S::name);
    state_.phase = next;
  }
  template <class S>
  bool in() const {
    return std::holds_alternative<S>(state_.phase);
  }

  /// Tickets below it are given by whoever sends ask_text.
  static constexpr std::uint64_t first_of_actors = std::uint64_t{1} << 63;

  struct State {
    Phase phase;
    RunActors run;
    std::optional<run_ended> end;  ///< of the run, once it has ended
    std::deque<Question> waiting;
    std::map<std::uint64_t, Question> asked;  ///< that the run has not answered
    std::uint64_t questions = 0;              ///< asked so far
    std::map<std::uint64_t, Text> texts;      ///< that are being generated
    std::uint64_t tickets = first_of_actors;  ///< given to texts that actors read
    std::vector<RunActors> replaced;          ///< runs that go on answering them
    std::deque<Change> changes;               ///< that wait for the end of the run
    std::vector<Settle<void>> closers;
    std::size_t workers_left = 0;  ///< closed: that have not ended yet
  };

  KeeperSettings settings_;
  State state_;
};

/// Spawns the keeper of a training that begins at once. @throws std::bad_alloc, std::system_error
keeper_actor spawn_keeper(caf::actor_system& system, runtime::Scheduling scheduling,
                          KeeperSettings settings);

/// Spawns it with workers of the caller's.
keeper_actor spawn_keeper(caf::actor_system& system, KeeperSettings settings, Workers workers);

}  // namespace nodezero::actors

/// Whom a call's outcome is told is the host's affair.
template <class Answer>
struct nodezero::runtime::FingerprintOf<std::function<void(nodezero::Result<Answer>)>> {
  static void add(ContentFingerprint&, const actors::Settle<Answer>&) {}
};

/// The others were spawned with the driver.
template <>
struct nodezero::runtime::FingerprintOf<nodezero::actors::RunActors> {
  static void add(ContentFingerprint& fingerprint, const actors::RunActors& run) {
    fingerprint.add(run.driver);
  }
};

NODEZERO_LOCAL_MESSAGE(nodezero::actors::ask_weights)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::ask_text)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::save_run)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::restore_run)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::close_run)
