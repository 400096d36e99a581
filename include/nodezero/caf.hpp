// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// For hosts that are themselves CAF 0.17 actor systems: a learner in the same actor system, which
// the host's actors talk to by messages, and a trace of their messages and ours.
//
//     caf::actor_system_config config;
//     nodezero::configure(config);
//     caf::actor_system system(config);
//     auto learner = nodezero::spawn_learner(system, nodezero::make_trainable(model), options);
//     self->request(*learner, caf::infinite, nodezero::ask_status{}).then(...);

#include <cstdint>
#include <filesystem>
#include <memory>
#include <utility>
#include <vector>

#include <caf/all.hpp>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/language_model.hpp"
#include "nodezero/trainable.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero {

/// Records the messages of one actor system to a file, which `nodezero trace` reads.
class NODEZERO_EXPORT TraceFile {
 public:
  static Result<TraceFile> create(const std::filesystem::path& path);
  TraceFile(TraceFile&&) noexcept;
  TraceFile& operator=(TraceFile&&) noexcept;
  /// Closes the file. The actor system must no longer exist.
  ~TraceFile();

 private:
  friend void configure(caf::actor_system_config& config, TraceFile* trace);
  struct State;
  explicit TraceFile(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

/// Prepares the host's actor system for a learner; call it before the system exists. It limits
/// how many messages an actor handles in one turn, which CAF does not, so that no agent keeps the
/// learner waiting. `trace` may be null and must outlive the system.
NODEZERO_EXPORT void configure(caf::actor_system_config& config, TraceFile* trace = nullptr);

/// host -> learner: a batch. TrainerOptions::when_full decides what happens when the queue is
/// full, with `wait` treated as `refuse`. A refused batch is answered with an error.
struct submit_batch {
  AnyValue batch;
};
/// The learner's answer.
struct batch_taken {};

/// host -> learner: a prediction with the weights at the end of the last epoch.
struct ask_model {
  AnyValue input;
};
/// The learner's answer.
struct model_answer {
  std::uint64_t version = 0;
  AnyValue output;
};

/// host -> learner: a text of a LanguageModel, token by token, by the weights that are there when
/// it is asked. Whoever asks is sent each text_piece, and then the answer, text_end: an error if
/// the text ended early.
struct ask_for_text {
  Prompt prompt;
  std::uint64_t number = 0;  ///< of the asker's choice, another for each of its texts
};
/// learner -> host: the next tokens of a text.
struct text_piece {
  std::uint64_t number = 0;
  std::uint64_t version = 0;  ///< of the weights, the same in all pieces
  std::vector<std::int32_t> tokens;
};
/// The learner's answer. No text_piece comes after it.
struct text_end {
  std::uint64_t number = 0;
  std::uint64_t tokens = 0;  ///< in all pieces together
};
/// host -> learner: nobody wants the rest of the sender's text of this number: no more is computed
/// than the tokens that a lane is at, and the text ends. So do the texts of an actor that has
/// ended.
struct cancel_text {
  std::uint64_t number = 0;
};

/// host -> learner: how far the training is. Answered with a Status.
struct ask_status {};

using learner_actor =
    caf::typed_actor<caf::replies_to<submit_batch>::with<batch_taken>,
                     caf::replies_to<ask_model>::with<model_answer>,
                     caf::replies_to<ask_for_text>::with<text_end>, caf::reacts_to<cancel_text>,
                     caf::replies_to<ask_status>::with<Status>>;

/// Spawns a learner: a tree of spheres that trains on the batches it is sent, with lanes on
/// threads of their own (`options.threads`). It ends, with everything that belongs to it, when it
/// is sent an exit. `options.running`, `time_per_step` and `folder` have no effect here.
NODEZERO_EXPORT Result<learner_actor> spawn_learner(caf::actor_system& system,
                                                    std::shared_ptr<const AnyTrainable> model,
                                                    TrainerOptions options);

/// The recording of one actor; `recorded` calls it.
class NODEZERO_EXPORT MessageTrace {
 public:
  explicit MessageTrace(const caf::local_actor& actor);
  ~MessageTrace();
  MessageTrace(const MessageTrace&) = delete;
  MessageTrace& operator=(const MessageTrace&) = delete;

  /// An activity that lasts as long as the object. Pointers to it may be null.
  class Scope {
   public:
    virtual ~Scope() = default;
    virtual void finished(caf::invoke_message_result result) = 0;
  };
  using ScopePtr = std::unique_ptr<Scope>;

  bool is_on() const { return state_ != nullptr; }
  void spawned(const caf::local_actor& actor);
  void sent(const caf::local_actor& receiver, const caf::mailbox_element& element);
  ScopePtr beginning(const caf::local_actor& actor);
  ScopePtr handling(const caf::local_actor& actor, const caf::mailbox_element& element);
  ScopePtr ending(const caf::local_actor& actor, const caf::error& reason);

 private:
  struct State;
  std::unique_ptr<State> state_;  ///< null if nothing is recorded
};

/// The base class of a host's actor whose messages are to be recorded:
/// `class agent : public nodezero::recorded<caf::event_based_actor>`. Without a TraceFile nothing
/// is recorded.
template <class Base>
class recorded : public Base {
 public:
  using Base::Base;
  using Base::enqueue;

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    if (trace_.is_on()) {
      trace_.sent(*this, *element);
    }
    Base::enqueue(std::move(element), unit);
  }

  caf::invoke_message_result consume(caf::mailbox_element& element) override {
    const auto scope = trace_.is_on() ? trace_.handling(*this, element) : MessageTrace::ScopePtr();
    const auto result = Base::consume(element);
    if (scope) {
      scope->finished(result);
    }
    return result;
  }

  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    if (trace_.is_on()) {
      trace_.spawned(*this);
    }
    Base::launch(unit, lazy, hide);
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    const auto scope = trace_.is_on() ? trace_.ending(*this, reason) : MessageTrace::ScopePtr();
    return Base::cleanup(std::move(reason), unit);
  }

  void initialize() override {
    const auto scope = trace_.is_on() ? trace_.beginning(*this) : MessageTrace::ScopePtr();
    Base::initialize();
  }

 private:
  MessageTrace trace_{*this};
};

}  // namespace nodezero

// These messages stay in the process and have no serialised form.
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::submit_batch)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::batch_taken)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::ask_model)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::model_answer)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::ask_for_text)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::text_piece)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::text_end)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::cancel_text)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::ask_status)
CAF_ALLOW_UNSAFE_MESSAGE_TYPE(nodezero::Status)
