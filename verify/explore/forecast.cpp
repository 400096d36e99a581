// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/forecast.hpp"

#include <algorithm>

namespace nodezero::verify::explore {
namespace {

// Effects that are looked at before a search is given up; those of protocols with few children
// are some hundred.
constexpr std::size_t most_effects = 5000;

std::uint32_t number_of(auto& numbers, std::uint64_t key) {
  return numbers.try_emplace(key, static_cast<std::uint32_t>(numbers.size())).first->second;
}

bool add_new(std::vector<std::uint32_t>& values, std::uint32_t value) {
  if (std::ranges::find(values, value) != values.end()) {
    return false;
  }
  values.push_back(value);
  return true;
}

bool contains(const std::vector<std::uint32_t>& values, std::uint32_t value) {
  return std::ranges::find(values, value) != values.end();
}

}  // namespace

Forecast::Number Forecast::local(const Network& network, NodeIndex node, std::uint64_t digest) {
  const std::uint64_t actor = network.key_of(node);
  const Number number = number_of(local_numbers_, roughly_ ? actor : digest);
  if (number == locals_.size()) {
    locals_.push_back({number_of(actor_numbers_, actor), {}, 0});
  }
  return number;
}

Forecast::Number Forecast::message(const Network& network, const Network::Label& label) {
  const std::uint64_t link = network.link_key(label.link);
  const std::uint64_t content = roughly_ ? label.type->hash_code() : label.digest;
  const Number number = number_of(message_numbers_, Fingerprint().add(link).add(content).value());
  if (number == messages_.size()) {
    messages_.push_back({number_of(link_numbers_, link),
                         number_of(actor_numbers_, network.key_of(label.link.receiver)),
                         label.is_response,
                         {},
                         0});
  }
  return number;
}

const Forecast::Effect* Forecast::effect(Number local, Number message) const {
  for (const Number known : locals_[local].effects) {
    if (effects_[known].message == message) {
      return &effects_[known];
    }
  }
  return nullptr;
}

void Forecast::learn(const View& before, NodeIndex receiver, Number cause,
                     const std::vector<std::pair<NodeIndex, std::uint64_t>>& changed,
                     const Network& network) {
  const Number where = before.locals[receiver];
  if (!effect(where, cause)) {
    const auto number = static_cast<Number>(effects_.size());
    effects_.push_back({where, cause, {}, {}, {}, false});
    locals_[where].effects.push_back(number);
    messages_[cause].effects.push_back(number);
    ++knowledge_;
  }
  auto& effect = const_cast<Effect&>(*this->effect(where, cause));
  for (const auto& [node, digest] : changed) {
    const Number now = local(network, node, digest);
    knowledge_ += add_new(effect.locals, now);
    if (node < before.locals.size() && node != receiver) {
      knowledge_ += add_new(effect.touched, locals_[now].actor);
    }
  }
  for (const auto& label : network.sent()) {
    knowledge_ += add_new(effect.messages, message(network, label));
  }
  if (!effect.ends && !network.is_alive(receiver)) {
    effect.ends = true;
    ++knowledge_;
  }
}

void Forecast::come_to(Number local) {
  auto& met = locals_[local];
  if (met.mark == search_) {
    return;
  }
  met.mark = search_;
  for (const Number known : met.effects) {
    if (messages_[effects_[known].message].mark == search_) {
      queue_.push_back(known);
    }
  }
}

void Forecast::send(Number message) {
  auto& met = messages_[message];
  if (met.mark == search_) {
    return;
  }
  met.mark = search_;
  for (const Number known : met.effects) {
    if (locals_[effects_[known].local].mark == search_) {
      queue_.push_back(known);
    }
  }
}

bool Forecast::may_be_disturbed(const View& view, NodeIndex node, bool waits) {
  ++search_;
  queue_.clear();
  link_marks_.resize(link_numbers_.size());
  const Number actor = locals_[view.locals[node]].actor;
  for (const Number in_flight : view.messages) {
    if (messages_[in_flight].receiver == actor) {
      link_marks_[messages_[in_flight].link] = search_;
    } else {
      send(in_flight);
    }
  }
  for (NodeIndex other = 1; other < view.locals.size(); ++other) {
    if (other != node) {
      come_to(view.locals[other]);
    }
  }
  for (std::size_t at = 0; at < queue_.size(); ++at) {
    const auto& known = effects_[queue_[at]];
    if (at == most_effects || contains(known.touched, actor)) {
      return true;
    }
    for (const Number sent : known.messages) {
      const auto& to = messages_[sent];
      if (to.receiver != actor) {
        send(sent);
      } else if (link_marks_[to.link] != search_ && (!to.is_response || waits)) {
        return true;  // behind a message of the same link it would overtake nothing
      }
    }
    for (const Number to : known.locals) {
      if (locals_[to].actor != actor) {
        come_to(to);
      }
    }
  }
  return false;
}

}  // namespace nodezero::verify::explore
