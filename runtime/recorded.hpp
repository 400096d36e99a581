#pragma once

#include <utility>

#include "runtime/caf.hpp"
#include "runtime/send_observer.hpp"

#if defined(__SANITIZE_THREAD__)
#define NODEZERO_THREAD_SANITIZER 1
extern "C" {
void __tsan_acquire(void* address);
void __tsan_release(void* address);
}
#endif

namespace nodezero::runtime {

/// The base of every actor of ours: `class worker : public recorded<worker_actor::base>`.
///
/// CAF 0.17 leaves the timeout of a request in its clock until it is due, also when the answer
/// has long come: with finite timeouts on everything a run would grow by some kilobytes a step.
/// Here each answer takes its request's timeout out of the clock.
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

  caf::invoke_message_result consume(caf::mailbox_element& element) override {
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_acquire(this);
    __tsan_acquire(&element);
#endif
    if (element.mid.is_response()) {
      this->clock().cancel_request_timeout(this, element.mid);
    }
    const auto result = Base::consume(element);
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(this);
#endif
    return result;
  }

  void enqueue(caf::mailbox_element_ptr element, caf::execution_unit* unit) override {
    if (SendObserver::current != nullptr) {
      SendObserver::current->on_send(this->id(), *element);
    }
#ifdef NODEZERO_THREAD_SANITIZER
    __tsan_release(element.get());
    __tsan_release(&mailbox_edge_);
#endif
    Base::enqueue(std::move(element), unit);
  }

#ifdef NODEZERO_THREAD_SANITIZER
  void launch(caf::execution_unit* unit, bool lazy, bool hide) override {
    __tsan_release(this);
    Base::launch(unit, lazy, hide);
  }

  void initialize() override {
    __tsan_acquire(this);
    Base::initialize();
    __tsan_release(this);
  }

  bool cleanup(caf::error&& reason, caf::execution_unit* unit) override {
    // Messages that will never be handled are freed here.
    __tsan_acquire(&mailbox_edge_);
    const bool result = Base::cleanup(std::move(reason), unit);
    __tsan_release(this);
    return result;
  }

  void on_destroy() override {
    __tsan_acquire(this);
    Base::on_destroy();
  }

 private:
  char mailbox_edge_ = 0;
#endif
};

}  // namespace nodezero::runtime
