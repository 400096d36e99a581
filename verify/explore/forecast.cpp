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
                     std::span<const NodeIndex> used,
                     const std::vector<std::pair<NodeIndex, std::uint64_t>>& changed,
                     const Network& network) {
  const Number where = before.locals[receiver];
  if (!effect(where, cause)) {
    const auto number = static_cast<Number>(effects_.size());
    effects_.push_back({where, cause, {}, {}, {}, {}, false});
    locals_[where].effects.push_back(number);
    messages_[cause].effects.push_back(number);
    ++knowledge_;
  }
  auto& effect = const_cast<Effect&>(*this->effect(where, cause));
  const auto is_other = [&](NodeIndex node) {
    return node < before.locals.size() && node != receiver;
  };
  for (const NodeIndex node : used) {
    if (is_other(node)) {
      knowledge_ += add_new(effect.used, locals_[before.locals[node]].actor);
    }
  }
  for (const auto& [node, digest] : changed) {
    const Number now = local(network, node, digest);
    knowledge_ += add_new(effect.locals, now);
    // Who handled nothing can be reached by nobody any more: that commutes with whatever the others
    // do.
    if (is_other(node) && std::ranges::find(used, node) != used.end()) {
      knowledge_ += add_new(effect.changed, locals_[now].actor);
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

bool Forecast::collide(const Effect& one, const Effect& other) const {
  const auto is_changed = [&](const Effect& by, const Effect& effect) {
    return std::ranges::any_of(by.changed, [&](Number actor) {
      return actor == locals_[effect.local].actor || contains(effect.used, actor);
    });
  };
  // Those of an actor are its own, but for what is sent without a sender.
  const auto shares_link = [&](Number sent) {
    return std::ranges::any_of(other.messages, [&](Number message) {
      return messages_[message].link == messages_[sent].link;
    });
  };
  return is_changed(one, other) || is_changed(other, one) ||
         std::ranges::any_of(one.messages, shares_link);
}

bool Forecast::may_be_disturbed(const View& view, NodeIndex node, bool waits,
                                std::span<const Number> steps) {
  ++search_;
  queue_.clear();
  link_marks_.resize(link_numbers_.size());
  const Number actor = locals_[view.locals[node]].actor;
  std::vector<const Effect*> own;
  for (const Number step : steps) {
    if (const auto* known = effect(view.locals[node], step)) {
      own.push_back(known);
    }
  }
  // What they do with a message when they are in another state need not be known.
  const auto is_changed = [&](Number other) {
    return std::ranges::any_of(
        own, [&](const Effect* effect) { return contains(effect->changed, other); });
  };
  for (const Number in_flight : view.messages) {
    const Number receiver = messages_[in_flight].receiver;
    if (receiver == actor) {
      link_marks_[messages_[in_flight].link] = search_;
    } else if (is_changed(receiver)) {
      return true;
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
    const auto collides = [&](const Effect* effect) { return collide(*effect, known); };
    if (at == most_effects || contains(known.changed, actor) ||
        std::ranges::any_of(own, collides)) {
      return true;
    }
    for (const Number sent : known.messages) {
      const auto& to = messages_[sent];
      if (is_changed(to.receiver)) {
        return true;
      }
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
