// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/feed.hpp"

#include <utility>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {

feed::behavior_type feed::make_behavior() {
  return {
      [this](const plan_step& request) -> caf::result<step_plan> {
        if (request.purpose != Purpose::train) {
          return make_error(
              {ErrorCode::wrong_state, "a host submits no validation data", at(request.envelope)});
        }
        auto promise = make_response_promise<step_plan>();
        state_.waiting.push_back({request, promise});
        answer_waiting();
        return promise;
      },
      [this](const batches_arrived&) { answer_waiting(); },
  };
}

std::uint64_t feed::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

void feed::answer_waiting() {
  while (!state_.waiting.empty()) {
    std::vector<AnyValue> content;
    if (!queue_->take(id(), state_.waiting.front().request.envelope.step, micro_batches_,
                      content)) {
      return;
    }
    auto batches = std::make_shared<StepBatches>();
    for (auto& one : content) {
      batches->batches.emplace_back().host_data = std::move(one);
    }
    auto [request, promise] = std::move(state_.waiting.front());
    state_.waiting.pop_front();
    promise.deliver(step_plan{request.envelope, request.purpose, std::move(batches)});
  }
}

}  // namespace nodezero::actors
