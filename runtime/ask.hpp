// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <future>
#include <memory>
#include <utility>

#include "runtime/caf.hpp"
#include "runtime/errors.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::runtime {

/// A request from outside of the actor world. `settle` is called once, by an actor, with the
/// answer or the error that the request got: an actor of its own sends the request and monitors
/// the receiver, which may die without answering. The bound is the receiver's own; this one is
/// only finite.
template <class Answer, class Handle, class Request>
void ask_then(caf::actor_system& system, const Handle& receiver, Request request,
              std::function<void(Result<Answer>)> settle) {
  class asker : public recorded<caf::event_based_actor> {
   public:
    asker(caf::actor_config& config, Handle receiver, Request request,
          std::function<void(Result<Answer>)> settle)
        : recorded(config),
          receiver_(std::move(receiver)),
          request_(std::move(request)),
          settle_(std::move(settle)) {}

    const char* name() const override { return "asker"; }

    caf::behavior make_behavior() override {
      monitor(receiver_);
      set_down_handler([this](const caf::down_msg& down) { settle(fail(to_error(down.reason))); });
      this->request(receiver_, std::chrono::seconds(1'000'000'000), std::move(request_))
          .then([this](const Answer& answer) { settle(answer); },
                [this](const caf::error& error) { settle(fail(to_error(error))); });
      return {[](caf::unit_t) {}};
    }

   private:
    void settle(Result<Answer> outcome) {
      if (settle_) {
        std::exchange(settle_, nullptr)(std::move(outcome));
      }
      quit();
    }

    Handle receiver_;
    Request request_;
    std::function<void(Result<Answer>)> settle_;
  };

  system.spawn<asker>(receiver, std::move(request), std::move(settle));
}

/// The same with a future for the answer.
template <class Answer, class Handle, class Request>
std::future<Result<Answer>> ask(caf::actor_system& system, const Handle& receiver,
                                Request request) {
  auto promise = std::make_shared<std::promise<Result<Answer>>>();
  auto future = promise->get_future();
  ask_then<Answer>(system, receiver, std::move(request),
                   [promise](Result<Answer> outcome) { promise->set_value(std::move(outcome)); });
  return future;
}

}  // namespace nodezero::runtime
