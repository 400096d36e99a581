// SPDX-License-Identifier: BSD-3-Clause
#include "actors/inference/lifecycle.hpp"

#include <algorithm>
#include <utility>

#include <fmt/format.h>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {

lifecycle::lifecycle(caf::actor_config& config, Settings settings, snapshot initial,
                     inference_actor inference)
    : recorded(config), settings_(settings), inference_(std::move(inference)) {
  state_.envelope = initial.envelope;
  state_.weights = std::move(initial.weights);
}

lifecycle::behavior_type lifecycle::make_behavior() {
  enter(idle{});
  return {
      [this](const introduction& message) {
        state_.root = message.root;
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
      [this](const generate& request) {
        if (auto from = version_of_first(request)) {
          auto follower = request;
          follower.options.from = std::move(from);
          return begin(follower);
        }
        return begin(request);
      },
      [this](const stop& request) { return begin(request); },
      [this](const inference_deadline& deadline) {
        if (auto entry = state_.waiting.extract(deadline.request)) {
          entry.mapped().promise.deliver(
              make_error({ErrorCode::timed_out, "no epoch boundary came within the bound",
                          at(state_.envelope)}));
        }
      },
      [this](const abandon_request& message) { abandon(message); },
  };
}

std::uint64_t lifecycle::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

const char* lifecycle::state_name() const {
  return std::visit([](const auto& phase) { return phase.name; }, state_.phase);
}

void lifecycle::begin_training(const training& message) {
  if (!in<idle>() && !in<quiescent>()) {
    return;  // draining: node_zero will answer the halt that is on its way
  }
  enter(running{message.envelope.epoch});
  if (settings_.policy != InferencePolicy::snapshot) {
    state_.weights.reset();  // so that the optimizer may update in place
  }
}

void lifecycle::take_snapshot(const snapshot& message) {
  if (!in<running>()) {
    return;
  }
  if (settings_.policy == InferencePolicy::snapshot || message.epoch_boundary) {
    state_.envelope = message.envelope;
    state_.weights = message.weights;
  }
  if (message.epoch_boundary) {
    enter(quiescent{message.envelope.epoch});
    answer_waiting();
  }
}

caf::result<generated> lifecycle::begin(const generate& request) {
  if (request.until_stop && (in<draining>() || in<ended>())) {
    return make_error({ErrorCode::stopped, "the run is stopping", at(state_.envelope)});
  }
  if (!request.input.value &&
      (request.prompt.empty() || request.tokens < 0 || request.tokens > settings_.most_tokens)) {
    return make_error(
        {ErrorCode::invalid_argument,
         fmt::format("a request needs a prompt of at least one token, and asks for at "
                     "most {} more, not {}",
                     settings_.most_tokens, request.tokens),
         at(state_.envelope)});
  }
  if (state_.waiting.size() + *state_.passed >= settings_.most_open) {
    return make_error({ErrorCode::queue_full, "too many requests wait", at(state_.envelope)});
  }
  // After a failed epoch the last snapshot may be gone, and no boundary will come.
  if (may_read(request)) {
    auto promise = make_response_promise<generated>();
    pass_to_inference((*state_.requests)++, {request, promise});
    return promise;
  }
  if (in<failed>()) {
    return make_error(std::get<failed>(state_.phase).reason);
  }
  if (const auto* end = std::get_if<ended>(&state_.phase)) {
    return std::get<caf::error>(end->answer);
  }
  if (policy_of(request) == InferencePolicy::refuse) {
    return make_error(
        {ErrorCode::busy, "an epoch is running and the policy is to refuse", at(state_.envelope)});
  }
  auto promise = make_response_promise<generated>();
  const std::uint64_t number = (*state_.requests)++;
  state_.waiting.emplace(number, Waiting{request, promise});
  delayed_send(this, settings_.wait_timeout, inference_deadline{number});
  return promise;
}

/// Notes a request that others follow; of one of these, says what the first is answered from. If
/// that one still waits, they wait as it does, and all are let pass together.
std::optional<snapshot> lifecycle::version_of_first(const generate& request) {
  const auto& options = request.options;
  if (options.followers > 0) {
    state_.followed[options.ticket] = {std::nullopt, options.followers};
  }
  const auto first = state_.followed.find(options.follows);
  if (options.follows == 0 || first == state_.followed.end()) {
    return std::nullopt;
  }
  auto from = first->second.from;
  if (--first->second.to_come == 0) {
    state_.followed.erase(first);
  }
  return from;
}

void lifecycle::pass_to_inference(std::uint64_t number, Waiting waiting) {
  ++*state_.passed;
  const snapshot from =
      waiting.request.options.from.value_or(snapshot{state_.envelope, state_.weights, false});
  if (const auto first = state_.followed.find(waiting.request.options.ticket);
      first != state_.followed.end()) {
    first->second.from = from;
  }
  waiting.request.options.from.reset();
  const auto version = from.envelope.version;
  if (settings_.most_versions > 0) {
    ++state_.held[version];
  }
  request(inference_, settings_.wait_timeout,
          infer{from.envelope, from.weights, std::move(waiting.request), number})
      .then(
          [this, version, promise = waiting.promise](const generated& answer) mutable {
            --*state_.passed;
            promise.deliver(answer);
            let_go(version);
          },
          [this, number, version, promise = waiting.promise](const caf::error& error) mutable {
            --*state_.passed;
            let_go(version);
            if (to_error(error).code == ErrorCode::timed_out) {
              send(inference_, inference_deadline{number});
            }
            promise.deliver(error);
          });
}

void lifecycle::abandon(const abandon_request& message) {
  const auto found = std::ranges::find_if(state_.waiting, [&](const auto& entry) {
    return message.ticket != 0 && entry.second.request.options.ticket == message.ticket;
  });
  if (found == state_.waiting.end()) {
    send(inference_, message);
    return;
  }
  auto entry = state_.waiting.extract(found);
  entry.mapped().promise.deliver(
      make_error({ErrorCode::stopped, "nobody wants the answer any more", at(state_.envelope)}));
}

/// Those that may read now what there is.
void lifecycle::answer_waiting() {
  for (auto next = state_.waiting.begin(); next != state_.waiting.end();) {
    const auto entry = next++;
    if (may_read(entry->second.request)) {
      auto waiting = state_.waiting.extract(entry);
      pass_to_inference(waiting.key(), std::move(waiting.mapped()));
    }
  }
}

InferencePolicy lifecycle::policy_of(const generate& request) const {
  return request.options.policy.value_or(settings_.policy);
}

bool lifecycle::may_read(const generate& request) const {
  if (request.options.from) {
    return true;
  }
  const auto& held = state_.held;
  const bool may_hold = settings_.most_versions == 0 || in<ended>() ||
                        held.size() < settings_.most_versions ||
                        held.contains(state_.envelope.version);
  return state_.weights && may_hold &&
         (!in<running>() || policy_of(request) == InferencePolicy::snapshot);
}

/// A request that held this version has been answered, so that another version may be held.
void lifecycle::let_go(std::uint64_t version) {
  if (settings_.most_versions == 0 || --state_.held[version] > 0) {
    return;
  }
  state_.held.erase(version);
  answer_waiting();
}

void lifecycle::refuse_waiting(Error reason) {
  for (auto& [number, entry] : std::exchange(state_.waiting, {})) {
    entry.promise.deliver(make_error(reason));
  }
}

caf::result<stopped> lifecycle::begin(const stop&) {
  if (const auto* end = std::get_if<ended>(&state_.phase)) {
    return std::visit([](const auto& answer) -> caf::result<stopped> { return answer; },
                      end->answer);
  }
  auto promise = make_response_promise<stopped>();
  state_.stops.push_back(promise);
  if (!in<draining>()) {
    enter(draining{});
    if (state_.root) {
      drain();
    }
  }
  return promise;
}

void lifecycle::drain() {
  request(state_.root, settings_.stop_timeout, halt{state_.envelope})
      .then([this](const halted& answer) { answer_stops(stopped{answer.checkpoint}); },
            [this](const caf::error& error) { answer_stops(error); });
}

void lifecycle::answer_stops(const std::variant<stopped, caf::error>& answer) {
  enter(ended{answer});
  const auto* last = std::get_if<stopped>(&answer);
  if (last) {
    const auto& progress = last->checkpoint.progress;
    state_.envelope = {progress.run, progress.epoch, progress.step, progress.version};
    state_.weights = last->checkpoint.weights;
  }
  for (auto& promise : std::exchange(state_.stops, {})) {
    std::visit([&](const auto& given) { promise.deliver(given); }, answer);
  }
  if (state_.weights) {
    answer_waiting();
  } else {
    refuse_waiting(to_error(std::get<caf::error>(answer)));
  }
}

}  // namespace nodezero::actors
