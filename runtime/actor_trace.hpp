// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>
#include <string_view>
#include <vector>

#include "runtime/caf.hpp"
#include "runtime/trace/recorder.hpp"

namespace nodezero::runtime {

/// Has the actors of the system that is made from `config` recorded. The recorder must outlive
/// that system; it records no other one.
void attach_recorder(caf::actor_system_config& config, trace::Recorder& recorder);

/// The recorder of a system, or null.
trace::Recorder* find_recorder(const caf::actor_system& system);

/// Messages that were sent to an actor and that it has not begun to handle, each with the id
/// that its sending was recorded with: CAF's own messages have no room for one.
class PendingMessages {
 public:
  /// @return false if the actor has ended: the message will never be handled.
  bool add(const caf::mailbox_element* element, std::uint64_t message);
  /// Puts back what the actor skipped.
  void put_back(const caf::mailbox_element* element, std::uint64_t message);
  /// Takes the element's id out, or 0 if it is not known. `left`: how many wait now.
  std::uint64_t take(const caf::mailbox_element* element, std::uint32_t& left);
  /// Ends it; returns the ids of what waits still, in their order.
  std::vector<std::uint64_t> close();

 private:
  struct Entry {
    const caf::mailbox_element* element;  ///< null: taken out of turn
    std::uint64_t message;
  };
  class Lock;

  void append(Entry entry);

  std::atomic<bool> locked_{false};
  bool closed_ = false;
  std::uint32_t count_ = 0;
  std::size_t first_ = 0;  ///< of entries_; those before it are taken
  std::vector<Entry> entries_;
};

/// What the mixin `recorded` records of one actor. Every function does nothing, in about a
/// nanosecond, if the system has no recorder.
class ActorTrace {
 public:
  explicit ActorTrace(const caf::local_actor& actor)
      : recorder_(find_recorder(actor.home_system())) {}

  bool is_on() const { return recorder_ != nullptr; }

  void spawned(const caf::local_actor& actor, std::uint32_t number);
  /// Before the actor gets the message; in the sender's thread.
  void sent(const caf::local_actor& receiver, const caf::mailbox_element& element);
  /// Around the actor's initialisation, in which it may spawn and send already.
  class Beginning {
   public:
    Beginning(ActorTrace& trace, const caf::local_actor& actor);
    ~Beginning();
    Beginning(const Beginning&) = delete;
    Beginning& operator=(const Beginning&) = delete;

   private:
    trace::ThreadLog* log_;
    std::uint32_t handler_before_ = 0;
  };
  /// Around the handling of a message.
  class Handling {
   public:
    Handling(ActorTrace& trace, const caf::local_actor& actor, const caf::mailbox_element& element)
        : trace_(trace), element_(element) {
      if (trace.is_on()) {
        begin(actor);
      }
    }
    ~Handling() {
      if (log_ != nullptr) {
        end();
      }
    }
    Handling(const Handling&) = delete;
    Handling& operator=(const Handling&) = delete;
    void finished(caf::invoke_message_result result) {
      if (log_ != nullptr) {
        keep(result);
      }
    }

   private:
    void begin(const caf::local_actor& actor);
    void keep(caf::invoke_message_result result);
    void end();

    ActorTrace& trace_;
    const caf::mailbox_element& element_;
    trace::ThreadLog* log_ = nullptr;
    std::uint64_t message_ = 0;
    std::uint32_t actor_ = 0;
    std::uint16_t type_ = 0;
    std::uint32_t handler_before_ = 0;
    trace::HandlingResult result_ = trace::HandlingResult::threw;
  };
  /// Around the actor's end, which closes its mailbox.
  class Ending {
   public:
    Ending(ActorTrace& trace, const caf::local_actor& actor, const caf::error& reason);
    ~Ending();
    Ending(const Ending&) = delete;
    Ending& operator=(const Ending&) = delete;

   private:
    ActorTrace& trace_;
    trace::ThreadLog* log_ = nullptr;
    std::uint32_t actor_;
    std::uint32_t handler_before_ = 0;
  };
  void state(const caf::local_actor& actor, std::string_view name, std::uint64_t argument);
  void note(const caf::local_actor& actor, std::string_view text);
  void timer(const caf::local_actor& actor, const std::type_info& type, std::uint64_t milliseconds);

 private:
  trace::Recorder* recorder_;
  bool has_ended_ = false;
  PendingMessages pending_;
};

}  // namespace nodezero::runtime
