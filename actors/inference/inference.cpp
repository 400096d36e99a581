// SPDX-License-Identifier: BSD-3-Clause
#include "actors/inference/inference.hpp"

#include <algorithm>

namespace nodezero::actors {
namespace {

// Tokens that a lane generates before it looks at other work.
constexpr std::int64_t tokens_at_a_time = 16;

}  // namespace

inference::inference(caf::actor_config& config, lane_scheduler_actor lanes,
                     std::chrono::milliseconds timeout, std::uint32_t at_once)
    : recorded(config), lanes_(std::move(lanes)), timeout_(timeout), at_once_(at_once) {}

inference::behavior_type inference::make_behavior() {
  return {
      [this](const infer& message) -> caf::result<generated> {
        auto session = std::make_shared<GenerationSession>();
        session->weights = message.weights;
        session->request = message.request;
        auto promise = make_response_promise<generated>();
        queue_.push_back(
            std::make_shared<Running>(Running{message.envelope, std::move(session), promise}));
        start_next();
        return promise;
      },
  };
}

void inference::start_next() {
  while (running_ < at_once_ && !queue_.empty()) {
    const auto next = queue_.front();
    queue_.pop_front();
    ++running_;
    go_on(next);
  }
}

void inference::go_on(const std::shared_ptr<Running>& running) {
  const auto& session = *running->session;
  const bool is_input = session.request.input.value != nullptr;
  const std::int64_t left =
      is_input ? (session.output.value ? 0 : 1)
               : session.request.tokens - static_cast<std::int64_t>(session.tokens.size());
  if (left <= 0) {
    running->promise.deliver(generated{running->envelope, session.tokens, session.output});
    end(running);
    return;
  }
  request(lanes_, timeout_,
          generate_some{running->envelope, running->session, std::min(left, tokens_at_a_time)})
      .then([this, running](const generated_some&) { go_on(running); },
            [this, running](const caf::error& error) {
              running->promise.deliver(error);
              end(running);
            });
}

void inference::end(const std::shared_ptr<Running>& running) {
  running->session.reset();
  --running_;
  start_next();
}

}  // namespace nodezero::actors
