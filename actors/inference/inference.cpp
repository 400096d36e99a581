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
        session->number = message.number;
        session->weights = message.weights;
        session->request = message.request;
        auto promise = make_response_promise<generated>();
        state_.open.emplace(message.number, Request{message.envelope, std::move(session), promise});
        start_next();
        return promise;
      },
      [this](const inference_deadline& deadline) {
        if (auto entry = state_.open.extract(deadline.request)) {
          auto& request = entry.mapped();
          request.promise.deliver(
              make_error({ErrorCode::timed_out, "the answer took too long", at(request.envelope)}));
        }
      },
  };
}

std::uint64_t inference::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

void inference::start_next() {
  while (state_.running < at_once_) {
    const auto next =
        std::ranges::find_if(state_.open, [](const auto& entry) { return !entry.second.begun; });
    if (next == state_.open.end()) {
      return;
    }
    next->second.begun = true;
    go_on(next->first);
  }
}

void inference::go_on(std::uint64_t number) {
  const auto found = state_.open.find(number);
  if (found == state_.open.end()) {
    return;  // its time was up
  }
  auto& [envelope, session, promise, begun] = found->second;
  const bool is_input = session->request.input.value != nullptr;
  const std::int64_t left =
      is_input ? (session->output.value ? 0 : 1)
               : session->request.tokens - static_cast<std::int64_t>(session->tokens.size());
  if (left <= 0) {
    promise.deliver(generated{envelope, session->tokens, session->output});
    state_.open.erase(found);
    return;
  }
  ++state_.running;
  request(lanes_, timeout_, generate_some{envelope, session, std::min(left, tokens_at_a_time)})
      .then([this, number](const generated_some&) { piece_ended(number); },
            [this, number](const caf::error& error) {
              if (auto entry = state_.open.extract(number)) {
                entry.mapped().promise.deliver(error);
              }
              piece_ended(number);
            });
}

void inference::piece_ended(std::uint64_t number) {
  --state_.running;
  go_on(number);
  start_next();
}

}  // namespace nodezero::actors
