// SPDX-License-Identifier: BSD-3-Clause
#include "actors/inference/lifecycle.hpp"

#include <utility>

namespace nodezero::actors {

lifecycle::lifecycle(caf::actor_config& config, Settings settings, snapshot initial,
                     inference_actor inference, observer_actor observer)
    : recorded(config),
      settings_(settings),
      envelope_(initial.envelope),
      weights_(std::move(initial.weights)),
      inference_(std::move(inference)),
      observer_(std::move(observer)) {}

lifecycle::behavior_type lifecycle::make_behavior() {
  enter(idle{});
  return {
      [this](const introduction& message) {
        root_ = message.root;
        if (in<draining>()) {
          drain();
        }
      },
      [this](const training& message) { begin_training(message); },
      [this](const snapshot& message) { take_snapshot(message); },
      [this](const epoch_failed& message) {
        if (in<running>()) {
          // The code says what became of the run, not what was wrong with a micro-batch.
          const Error reason{ErrorCode::failed, "the run has failed: " + message.reason.message,
                             message.reason.place};
          enter(failed{reason});
          refuse_waiting(reason);
        }
      },
      [this](const generate& request) { return begin(request); },
      [this](const stop& request) { return begin(request); },
      [this](const inference_deadline& deadline) {
        if (auto entry = waiting_.extract(deadline.request)) {
          entry.mapped().promise.deliver(make_error(
              {ErrorCode::timed_out, "no epoch boundary came within the bound", at(envelope_)}));
        }
      },
  };
}

void lifecycle::begin_training(const training& message) {
  if (!in<idle>() && !in<quiescent>()) {
    return;  // draining: node_zero will answer the halt that is on its way
  }
  enter(running{message.envelope.epoch});
  if (settings_.policy != InferencePolicy::snapshot) {
    weights_.reset();  // so that the optimizer may update in place
  }
}

void lifecycle::take_snapshot(const snapshot& message) {
  if (!in<running>()) {
    return;
  }
  if (settings_.policy == InferencePolicy::snapshot || message.epoch_boundary) {
    envelope_ = message.envelope;
    weights_ = message.weights;
  }
  if (message.epoch_boundary) {
    enter(quiescent{message.envelope.epoch});
    for (auto& [number, entry] : std::exchange(waiting_, {})) {
      pass_to_inference(entry.request, std::move(entry.promise));
    }
  }
}

caf::result<generated> lifecycle::begin(const generate& request) {
  if (in<draining>() || in<ended>()) {
    return make_error({ErrorCode::stopped, "the run is stopping", at(envelope_)});
  }
  if (!request.input.value && (request.prompt.empty() || request.tokens < 0)) {
    return make_error(
        {ErrorCode::wrong_state, "a request needs a prompt of at least one token", at(envelope_)});
  }
  // After a failed epoch the last snapshot may be gone, and no boundary will come.
  const bool may_read = !in<running>() || settings_.policy == InferencePolicy::snapshot;
  if (may_read && weights_) {
    auto promise = make_response_promise<generated>();
    pass_to_inference(request, promise);
    return promise;
  }
  if (in<failed>()) {
    return make_error(std::get<failed>(state_).reason);
  }
  if (settings_.policy == InferencePolicy::refuse) {
    return make_error(
        {ErrorCode::busy, "an epoch is running and the policy is to refuse", at(envelope_)});
  }
  if (waiting_.size() >= settings_.most_waiting) {
    return make_error({ErrorCode::queue_full, "too many requests wait", at(envelope_)});
  }
  auto promise = make_response_promise<generated>();
  const std::uint64_t number = requests_++;
  waiting_.emplace(number, Waiting{request, promise});
  delayed_send(this, settings_.wait_timeout, inference_deadline{number});
  return promise;
}

void lifecycle::pass_to_inference(const generate& request,
                                  caf::typed_response_promise<generated> promise) {
  this->request(inference_, settings_.wait_timeout, infer{envelope_, weights_, request})
      .then([promise](const generated& answer) mutable { promise.deliver(answer); },
            [promise](const caf::error& error) mutable { promise.deliver(error); });
}

void lifecycle::refuse_waiting(Error reason) {
  for (auto& [number, entry] : std::exchange(waiting_, {})) {
    entry.promise.deliver(make_error(reason));
  }
}

caf::result<stopped> lifecycle::begin(const stop&) {
  if (auto* end = std::get_if<ended>(&state_)) {
    return end->answer;
  }
  auto promise = make_response_promise<stopped>();
  stops_.push_back(promise);
  if (!in<draining>()) {
    enter(draining{});
    weights_.reset();
    refuse_waiting({ErrorCode::stopped, "the run is stopping", at(envelope_)});
    if (root_) {
      drain();
    }
  }
  return promise;
}

void lifecycle::drain() {
  request(root_, settings_.stop_timeout, halt{envelope_})
      .then([this](const halted& answer) { answer_stops(stopped{answer.checkpoint}); },
            [this](const caf::error& error) { answer_stops(error); });
}

void lifecycle::answer_stops(const caf::result<stopped>& answer) {
  enter(ended{answer});
  for (auto& promise : std::exchange(stops_, {})) {
    if (answer.flag == caf::rt_error) {
      promise.deliver(answer.err);
    } else {
      promise.deliver(answer.value.get_as<stopped>(0));
    }
  }
}

}  // namespace nodezero::actors
