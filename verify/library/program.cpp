// SPDX-License-Identifier: BSD-3-Clause
#include "verify/library/program.hpp"

#include <utility>

#include <fmt/format.h>

#include "verify/library/words.hpp"

namespace nodezero::explore {
namespace {

constexpr const char* never_answered = "a request is never answered";
constexpr const char* never_taken_up = "a message is put off for ever";

}  // namespace

Keys::~Keys() = default;

Program::Program(const explore::Scenario& scenario)
    : scenario_(scenario), state_(std::make_unique<World::State>(World::State{*this})) {
  World world(*state_);
  world.knows<bool, char, std::int8_t, std::int16_t, std::int32_t, std::int64_t, std::uint8_t,
              std::uint16_t, std::uint32_t, std::uint64_t, float, double, std::string,
              caf::atom_value, caf::unit_t, caf::error, caf::actor, caf::strong_actor_ptr,
              caf::actor_addr, caf::down_msg, caf::exit_msg, caf::stateful_actor<detail::asking>>();
}

Program::~Program() = default;

// -- a run -------------------------------------------------------------------------------------

void Program::begin(caf::actor_system& system, engine::Network& network) {
  system_ = &system;
  network_ = &network;
  rule_.clear();
  detail_.clear();
  world_ = std::make_unique<World>(*state_);
  scenario_(*world_);
  network.settle();
  look_for_threads("the program");
  ask_rules();
}

void Program::end() {
  // Their handles and captures go before the actors do.
  always.clear();
  at_end.clear();
  observers.clear();
  memories.clear();
  mortals.clear();
  stateless.clear();
  world_.reset();
}

void Program::fail(std::string rule, std::string detail) {
  if (rule_.empty()) {
    rule_ = std::move(rule);
    detail_ = std::move(detail);
  }
}

std::string Program::in_detail(const std::string& rule) const {
  if (rule == never_answered) {
    std::string text;
    for (engine::NodeIndex node = 1; node <= network_->actors(); ++node) {
      if (const auto open = network_->waits_for(node)) {
        text += fmt::format("{}{} waits for the answer to {} from {}", text.empty() ? "" : "; ",
                            label(*network_, node), type_in_words(open->type),
                            label(*network_, open->receiver));
      }
    }
    return fmt::format("{}: {}", rule, text);
  }
  if (rule == never_taken_up) {
    for (engine::NodeIndex node = 1; node <= network_->actors(); ++node) {
      if (network_->is_alive(node) && network_->skipped(node) > 0) {
        return fmt::format("{}: {} has put off {}", rule, label(*network_, node),
                           in_words(*network_, *network_->first_skipped(node).element));
      }
    }
  }
  return rule == rule_ && !detail_.empty() ? fmt::format("{}: {}", rule, detail_) : rule;
}

std::string Program::verdict() const {
  for (engine::NodeIndex node = 1; node <= network_->actors(); ++node) {
    if (network_->waits_for(node)) {
      return never_answered;
    }
  }
  for (engine::NodeIndex node = 1; node <= network_->actors(); ++node) {
    if (network_->is_alive(node) && network_->skipped(node) > 0) {
      return never_taken_up;
    }
  }
  for (const auto& rule : at_end) {
    if (!rule.holds()) {
      return rule.name;
    }
  }
  return {};
}

void Program::before(const engine::Delivery& delivery) {
  last_receiver_ = delivery.link.receiver;
  if (observers.empty()) {
    return;
  }
  const explore::Delivery shown(*delivery.element, label(*network_, sender_of(*network_, delivery)),
                                label(*network_, delivery.link.receiver));
  for (const auto& observer : observers) {
    observer(shown);
  }
}

void Program::after() {
  if (system_->detached_actors() > 0) {
    look_for_threads(label(*network_, last_receiver_));
  }
  ask_rules();
}

void Program::ask_rules() {
  for (const auto& rule : always) {
    if (rule_.empty() && !rule.holds()) {
      fail(rule.name);
    }
  }
}

// -- what is found without a rule --------------------------------------------------------------

void Program::unhandled(engine::NodeIndex actor, const caf::type_erased_tuple& content) {
  fail("no handler takes a message",
       fmt::format("{} gets {}", label(*network_, actor), in_words(*network_, content)));
}

void Program::threw(engine::NodeIndex actor, const std::string& what) {
  fail("a handler throws", fmt::format("{}: {}", label(*network_, actor), what));
}

void Program::refuse(const std::string& what) {
  refused_ = refused_.empty() ? what : refused_;
  fail(refused_);
}

void Program::look_for_threads(const std::string& whose) {
  if (system_->detached_actors() > 0) {
    refuse(
        fmt::format("{} spawns an actor that is detached or blocking: it runs on a thread of "
                    "its own, whose steps cannot be ordered",
                    whose));
  }
}

// -- fingerprints ------------------------------------------------------------------------------

void Program::does_not_know(const std::string& type) const {
  unknown_ = unknown_.empty() ? type : unknown_;
  if (ends_at_unknown) {
    const_cast<Program*>(this)->fail("no fingerprint");
  }
}

std::uint64_t Program::digest_of(const engine::Delivery& delivery, const engine::ActorKeys&) const {
  Hasher hasher(*this);
  const auto& content = delivery.element->content();
  for (std::size_t i = 0; i < content.size(); ++i) {
    const auto [number, type] = content.type(i);
    HashMessage hash = nullptr;
    if (type == nullptr) {
      hash = number < builtin_messages.size() ? builtin_messages[number] : nullptr;
    } else if (const auto known = messages.find(*type); known != messages.end()) {
      hash = known->second;
    }
    if (hash == nullptr) {
      does_not_know(element_type(content, i));
      continue;
    }
    hasher.number(type == nullptr ? number : type->hash_code());
    hash(content.get(i), hasher);
  }
  if (hasher.unknown() != nullptr) {
    does_not_know(type_in_words(hasher.unknown()));
  }
  return hasher.value();
}

std::uint64_t Program::state_digest(const caf::scheduled_actor& actor) {
  if (stateless.count(actor.id()) > 0) {
    return 0;
  }
  const auto known = actors.find(typeid(actor));
  if (known == actors.end()) {
    does_not_know(fmt::format("{}, an actor without a state that can be seen", actor.name()));
    return 0;
  }
  Hasher hasher(*this);
  known->second(actor, hasher);
  if (hasher.unknown() != nullptr) {
    does_not_know(
        fmt::format("{} in the state of {}", type_in_words(hasher.unknown()), actor.name()));
  }
  return hasher.value();
}

std::uint64_t Program::digest() const {
  Hasher hasher(*this);
  for (const auto& memory : memories) {
    memory(hasher);
  }
  if (hasher.unknown() != nullptr) {
    does_not_know(type_in_words(hasher.unknown()));
  }
  return hasher.value();
}

}  // namespace nodezero::explore
