// SPDX-License-Identifier: BSD-3-Clause
#include "actors/inference/inference.hpp"

#include <algorithm>
#include <utility>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {
namespace {

bool is_input(const GenerationSession& session) {
  return session.request.input.value != nullptr;
}

/// Tokens to generate, or 1 where something else is to be done.
std::int64_t left_of(const GenerationSession& session) {
  if (is_input(session)) {
    return session.output.value ? 0 : 1;
  }
  if (session.has_ended) {
    return 0;
  }
  const auto tokens = session.request.tokens - static_cast<std::int64_t>(session.tokens.size());
  return session.request.options.details.of_prompt ? std::max<std::int64_t>(tokens, 1) : tokens;
}

}  // namespace

std::int64_t inference::tokens_at_a_time(std::size_t parameters) {
  constexpr std::size_t some_milliseconds = 64'000'000;
  return std::clamp<std::int64_t>(
      static_cast<std::int64_t>(some_milliseconds / std::max<std::size_t>(parameters, 1)), 1, 16);
}

inference::inference(caf::actor_config& config, lane_scheduler_actor lanes, Settings settings)
    : recorded(config), lanes_(std::move(lanes)), settings_(settings) {}

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
        state_.waiting.push_back(message.number);
        start_next();
        return promise;
      },
      [this](const inference_deadline& deadline) {
        if (state_.open.contains(deadline.request)) {
          auto request = forget(deadline.request);
          request.promise.deliver(
              make_error({ErrorCode::timed_out, "the answer took too long", at(request.envelope)}));
          start_next();
        }
      },
      [this](const abandon_request& message) {
        abandon(message.ticket);
        start_next();
      },
  };
}

std::uint64_t inference::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

// -- which request is next ------------------------------------------------------------------------

/// As many as the lanes can have at the same time: each that is begun has a cache.
void inference::begin_waiting() {
  while (state_.begun < settings_.lanes * settings_.together && !state_.waiting.empty()) {
    const auto number = state_.waiting.front();
    state_.waiting.pop_front();
    state_.open.at(number).is_begun = true;
    ++state_.begun;
    go_on(number);
  }
}

void inference::start_next() {
  begin_waiting();
  while (state_.running < settings_.lanes && !state_.ready.empty()) {
    start(next_group());
  }
}

/// The one that has waited longest, and others of its version, as many as are a lane's share of all
/// that are begun: those that are with the other lanes now want their next tokens soon.
inference::Numbers inference::next_group() {
  const std::size_t share = (state_.begun + settings_.lanes - 1) / settings_.lanes;
  const auto session_of = [this](std::uint64_t number) -> const GenerationSession& {
    return *state_.open.at(number).session;
  };
  const auto& first = session_of(state_.ready.front());
  Numbers group;
  std::erase_if(state_.ready, [&](std::uint64_t number) {
    const auto& session = session_of(number);
    const bool fits = group.empty() || (group.size() < share && !is_input(first) &&
                                        !is_input(session) && session.weights == first.weights);
    if (fits) {
      group.push_back(number);
    }
    return fits;
  });
  return group;
}

// -- on the lanes ---------------------------------------------------------------------------------

void inference::start(const Numbers& group) {
  ++state_.running;
  const auto& envelope = state_.open.at(group.front()).envelope;
  const auto known = state_.digests.find(envelope.version);
  generate_some task{envelope, {}, 0};
  bool has_first = false;
  for (const auto number : group) {
    auto& request = state_.open.at(number);
    request.is_on_lane = true;
    if (known != state_.digests.end()) {
      request.session->digest = known->second;
    }
    has_first =
        has_first || (request.session->request.options.listener && request.session->tokens.empty());
    task.sessions.push_back(request.session);
    task.tokens = std::max(task.tokens, left_of(*request.session));
  }
  // A token takes longer for several: with four more some twice as long. The first is told as soon
  // as it is there.
  const auto others = static_cast<std::int64_t>(group.size()) - 1;
  const auto piece = has_first ? 1 : settings_.piece * 4 / (4 + others);
  task.tokens = std::max<std::int64_t>(1, std::min(piece, task.tokens));  // there may be none left
  request(lanes_, settings_.timeout, std::move(task))
      .then([this, group](const generated_some&) { piece_ended(group, {}); },
            [this, group](const caf::error& error) { piece_ended(group, error); });
}

void inference::piece_ended(const Numbers& group, const caf::error& error) {
  --state_.running;
  for (const auto number : group) {
    const auto found = state_.open.find(number);
    if (found == state_.open.end()) {
      continue;  // its time was up
    }
    auto& [envelope, session, promise, is_begun, is_on_lane, is_abandoned] = found->second;
    if (error || session->failure) {
      promise.deliver(error ? error : make_error(*session->failure));
      forget(number);
      continue;
    }
    is_on_lane = false;
    note_digest(found->second);
    tell_listener(found->second);
    go_on(number);
  }
  start_next();
}

/// A request that no lane has: it is answered, or waits for a lane.
void inference::go_on(std::uint64_t number) {
  const auto& request = state_.open.at(number);
  const auto left = request.is_abandoned ? 0 : left_of(*request.session);
  if (left <= 0) {
    auto ended = forget(number);
    ended.promise.deliver(generated{ended.envelope, ended.session->tokens, ended.session->output});
    return;
  }
  state_.ready.push_back(number);
}

void inference::abandon(std::uint64_t ticket) {
  const auto found = std::ranges::find_if(state_.open, [&](const auto& entry) {
    return ticket != 0 && entry.second.session->request.options.ticket == ticket;
  });
  if (found == state_.open.end()) {
    return;  // it has been answered
  }
  found->second.is_abandoned = true;
  if (!found->second.is_on_lane) {
    const auto number = found->first;
    std::erase(state_.ready, number);
    go_on(number);
  }
}

void inference::tell_listener(Request& request) {
  auto& session = *request.session;
  const auto& options = session.request.options;
  if (options.listener && !(session.news.empty() && session.prompt_news.empty())) {
    send(options.listener,
         generated_piece{request.envelope, options.ticket, std::exchange(session.prompt_news, {}),
                         std::exchange(session.news, {}),
                         options.names_digest ? session.digest : std::string()});
  }
}

/// So that no lane computes it again.
void inference::note_digest(const Request& request) {
  constexpr std::size_t most_known = 16;
  const auto& digest = request.session->digest;
  if (digest.empty()) {
    return;
  }
  state_.digests.emplace(request.envelope.version, digest);
  if (state_.digests.size() > most_known) {
    state_.digests.erase(state_.digests.begin());
  }
}

/// Takes it out of everything.
inference::Request inference::forget(std::uint64_t number) {
  auto request = std::move(state_.open.extract(number).mapped());
  state_.begun -= request.is_begun ? 1 : 0;
  std::erase(state_.waiting, number);
  std::erase(state_.ready, number);
  return request;
}

}  // namespace nodezero::actors
