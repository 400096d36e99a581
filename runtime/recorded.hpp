// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string_view>
#include <type_traits>
#include <typeinfo>
#include <utility>
#include <vector>

#include "runtime/actor_trace.hpp"
#include "runtime/caf.hpp"
#include "runtime/floating_point_mode.hpp"
#include "runtime/send_observer.hpp"
#include "runtime/sightings.hpp"
#include "runtime/thread_sanitizer.hpp"
#include "runtime/thrown.hpp"

namespace nodezero::runtime {

/// The base of every actor of ours: `class worker : public recorded<worker_actor::base>`. A host
/// program's own actors may have it too.
///
/// If a recorder is attached to the system (attach_recorder), everything is recorded that happens
/// to the actor: its spawn, each message's sending, handling and dropping, its timers and its end.
/// What CAF does not show, the derived class says: `record_state`, `record_note`.
///
/// CAF 0.17 leaves the timeout of a request in its clock until it is due, also when the answer
/// has long come, so that a run would grow with every request. Here each answer takes its
/// request's timeout out of the clock. Both wake the clock's thread; a request that is made often
/// and is watched over otherwise has `caf::infinite` for a timeout.
///
/// CAF's library is not compiled with ThreadSanitizer, which therefore sees no order
/// between the sending and the handling of a message and would report every message as a
/// race. Here each edge is announced: from `enqueue` in the sender's thread to `consume`
/// in the receiver's, and from one handler of an actor to the next wherever the scheduler
/// runs it. Nothing else is announced, so that two handlers that share memory without a
/// message between them are still reported.
template <class Base>
class recorded : public Base {
 public:
  using Base::Base;
  using Base::enqueue;

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    if (SendObserver::current != nullptr) {
      SendObserver::current->on_send(this->id(), *element);
    }
    // Afterwards the message may have been handled and freed.
    if (trace_.is_on()) {
      trace_.sent(*this, *element);
    }
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(element.get());
    __tsan_release(&mailbox_edge_);
#endif
    Base::enqueue(std::move(element), unit);
  }

  /// As CAF's.
  template <class Handle, class Timeout, class... Messages>
  auto request(const Handle& receiver, const Timeout& timeout, Messages&&... messages) {
    auto response = Base::request(receiver, timeout, std::forward<Messages>(messages)...);
    if constexpr (!std::is_same_v<Timeout, caf::infinite_t>) {
      timed_requests_.push_back(response.id());
    }
    return response;
  }

  caf::invoke_message_result consume(caf::mailbox_element& element) override {
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_acquire(this);
    __tsan_acquire(&element);
#endif
    ActorTrace::Handling handling(trace_, *this, element);
    if (element.mid.is_response() && std::erase(timed_requests_, element.mid) > 0) {
      this->clock().cancel_request_timeout(this, element.mid);
    }
    const auto result = Base::consume(element);
    handling.finished(result);
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(this);
#endif
    return result;
  }

  /// The thread may be a host's, with a mode of its own.
  caf::resumable::resume_result resume(caf::execution_unit* unit, std::size_t throughput) override {
    const FloatingPointMode mode;
    return Base::resume(unit, throughput);
  }

  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    if (trace_.is_on()) {
      trace_.spawned(*this, trace_number());
    }
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(this);
#endif
    Base::launch(unit, lazy, hide);
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    const ActorTrace::Ending ending(trace_, *this, reason);
#ifdef NODEZERO_THREAD_SANITIZER
    // Messages that will never be handled are freed here.
    __tsan_acquire(&mailbox_edge_);
#endif
    const bool result = Base::cleanup(std::move(reason), unit);
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(this);
#endif
    return result;
  }

  /// Sends after a while; recorded as a timer.
  template <class Destination, class Duration, class Message>
  void delayed_send(const Destination& destination, Duration delay, Message&& message) {
    using std::chrono::milliseconds;
    trace_.timer(
        *this, typeid(message),
        static_cast<std::uint64_t>(std::chrono::duration_cast<milliseconds>(delay).count()));
    Base::delayed_send(destination, delay, std::forward<Message>(message));
  }

  void initialize() override {
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_acquire(this);
#endif
    const ActorTrace::Beginning beginning(trace_, *this);
    if constexpr (std::is_base_of_v<caf::scheduled_actor, Base>) {
      this->set_exception_handler(
          [](std::exception_ptr& thrown) -> caf::error { return error_of(thrown); });
    }
    Base::initialize();
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(this);
#endif
  }

#ifdef NODEZERO_THREAD_SANITIZER
  void on_destroy() override {
    __tsan_acquire(this);
    Base::on_destroy();
  }
#endif

 protected:
  /// Tells actors of the same name apart, such as a sphere's id.
  virtual std::uint32_t trace_number() const {
    return trace::Actor::unnumbered;
  }
  /// Records that this actor is in the named state now; `argument` is free, such as an epoch.
  void record_state(std::string_view name, std::uint64_t argument = 0) {
    trace_.state(*this, name, argument);
  }
  /// Records a text for people, such as a violated invariant.
  void record_note(std::string_view text) {
    trace_.note(*this, text);
  }
  /// To be called with whatever a handler learns that is in none of its messages, such as a count
  /// that others change meanwhile. It is noted if it is so, and what was noted is so in a replay.
  bool sees(std::string_view what, bool is_so) {
    if (Sightings::recorded != nullptr) {
      is_so = Sightings::recorded->was_seen(what);
    }
    if (is_so) {
      record_note(what);
    }
    return is_so;
  }

 private:
  ActorTrace trace_{*this};
  std::vector<caf::message_id> timed_requests_;  ///< unanswered; ids of their responses
#ifdef NODEZERO_THREAD_SANITIZER
  char mailbox_edge_ = 0;
#endif
};

}  // namespace nodezero::runtime
