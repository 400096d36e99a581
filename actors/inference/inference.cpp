// SPDX-License-Identifier: BSD-3-Clause
#include "actors/inference/inference.hpp"

#include <algorithm>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {
namespace {

// Tokens that a lane generates before it looks at other work.
constexpr std::int64_t tokens_at_a_time = 16;

}  // namespace

inference::inference(caf::actor_config& config, lane_scheduler_actor lanes,
                     std::chrono::milliseconds timeout, std::uint32_t at_once)
    : recorded(config), lanes_(std::move(lanes)), timeout_(timeout), at_once_(at_once) {}

inference::behavior_type inference::make_behavior() {
  monitor(lanes_);  // without them nobody gets an answer
  set_down_handler([this](const caf::down_msg& down) { quit(down.reason); });
  return {
      [this](const infer& message) -> caf::result<generated> {
        auto session = std::make_shared<GenerationSession>();
        session->weights = message.weights;
        session->request = message.request;
        auto promise = make_response_promise<generated>();
        state_.queue.push_back(
            std::make_shared<Running>(Running{message.envelope, std::move(session), promise}));
        start_next();
        return promise;
      },
  };
}

std::uint64_t inference::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

void inference::start_next() {
  while (state_.running < at_once_ && !state_.queue.empty()) {
    const auto next = state_.queue.front();
    state_.queue.pop_front();
    ++state_.running;
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
  --state_.running;
  start_next();
}

}  // namespace nodezero::actors
