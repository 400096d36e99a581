#pragma once

#include <chrono>
#include <future>
#include <memory>
#include <utility>

#include <tl/expected.hpp>

#include "runtime/caf.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::runtime {

/// A request from outside of the actor world. The answer, or the error that it got, becomes
/// a future's value: an actor of its own sends the request and monitors the receiver, which
/// may die without answering. The bound is the receiver's own; this one is only finite.
template <class Answer, class Handle, class Request>
std::future<tl::expected<Answer, caf::error>> ask(caf::actor_system& system, const Handle& receiver,
                                                  Request request) {
  using Outcome = tl::expected<Answer, caf::error>;

  class asker : public recorded<caf::event_based_actor> {
   public:
    asker(caf::actor_config& config, Handle receiver, Request request,
          std::shared_ptr<std::promise<Outcome>> promise)
        : recorded(config),
          receiver_(std::move(receiver)),
          request_(std::move(request)),
          promise_(std::move(promise)) {}

    const char* name() const override { return "asker"; }

    caf::behavior make_behavior() override {
      monitor(receiver_);
      set_down_handler(
          [this](const caf::down_msg& down) { settle(tl::unexpected<caf::error>(down.reason)); });
      this->request(receiver_, std::chrono::seconds(1'000'000'000), std::move(request_))
          .then([this](const Answer& answer) { settle(answer); },
                [this](const caf::error& error) { settle(tl::unexpected<caf::error>(error)); });
      return {[](caf::unit_t) {}};
    }

   private:
    void settle(Outcome outcome) {
      if (promise_) {
        std::exchange(promise_, nullptr)->set_value(std::move(outcome));
      }
      quit();
    }

    Handle receiver_;
    Request request_;
    std::shared_ptr<std::promise<Outcome>> promise_;
  };

  auto promise = std::make_shared<std::promise<Outcome>>();
  auto future = promise->get_future();
  system.spawn<asker>(receiver, std::move(request), std::move(promise));
  return future;
}

}  // namespace nodezero::runtime
