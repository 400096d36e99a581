// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/client.hpp"

#include <algorithm>
#include <chrono>

#include <fmt/format.h>

namespace nodezero::verify {

std::string ClientCase::note_version(std::uint64_t of_answer) {
  if (version && *version != of_answer) {
    return fmt::format("client {} was told of version {} and then of version {}", ticket, *version,
                       of_answer);
  }
  version = of_answer;
  return {};
}

std::string ClientCase::hear(const actors::generated_piece& piece) {
  told += piece.tokens.size();
  const bool is_of_it = std::ranges::all_of(piece.tokens, [&](const auto& token) {
    return token.id == static_cast<std::int32_t>(piece.envelope.version);
  });
  return is_of_it ? note_version(piece.envelope.version)
                  : fmt::format("client {} got a piece that is not of its version", ticket);
}

std::string ClientCase::hear(const actors::generated& answer) {
  if (answered || is_refused) {
    return fmt::format("client {} was answered twice", ticket);
  }
  answered = answer.tokens.size();
  const auto id = static_cast<std::int32_t>(answer.envelope.version);
  const bool is_of_it = std::ranges::all_of(answer.tokens, [&](auto token) { return token == id; });
  const auto asked = static_cast<std::size_t>(tokens);
  if (!is_of_it || (leaves ? *answered > asked : *answered != asked)) {
    return fmt::format("client {} got an answer that is not whole, or not of one version", ticket);
  }
  return note_version(answer.envelope.version);
}

std::string ClientCase::verdict() const {
  if (!answered && !is_refused) {
    return fmt::format("client {} was not answered", ticket);
  }
  if (told != answered.value_or(0)) {
    return fmt::format("client {} was told {} tokens of an answer of {}", ticket, told,
                       answered.value_or(0));
  }
  return {};
}

std::uint64_t ClientCase::digest() const {
  return runtime::Fingerprint()
      .add(told)
      .add(version.value_or(~0ULL))
      .add(answered.value_or(~std::size_t{0}))
      .add(is_refused)
      .value();
}

caf::behavior client::make_behavior() {
  actors::generate request;
  request.prompt = {0};
  request.tokens = case_.tokens;
  request.until_stop = true;
  request.options.listener = caf::actor_cast<actors::listener_actor>(caf::strong_actor_ptr(ctrl()));
  request.options.ticket = case_.ticket;
  request.options.policy = case_.policy;
  this->request(gate_, std::chrono::seconds(1'000'000'000), std::move(request))
      .then([this](const actors::generated& answer) { listener_.client_answered(case_, answer); },
            [this](const caf::error& error) { listener_.client_refused(case_, error); });
  if (case_.leaves) {
    send(gate_, actors::abandon_request{case_.ticket});
  }
  return {[this](const actors::generated_piece& piece) { listener_.client_told(case_, piece); }};
}

}  // namespace nodezero::verify
