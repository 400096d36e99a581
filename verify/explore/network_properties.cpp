// SPDX-License-Identifier: BSD-3-Clause

// What can be asked of a network between two steps.

#include <algorithm>
#include <utility>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {

NodeIndex Network::index(caf::actor_id id) const {
  const std::size_t place = id - first_id_;
  return place < index_of_id_.size() ? index_of_id_[place] : NodeIndex{0};
}

std::uint64_t Network::link_key(const Choice& link) const {
  return Fingerprint()
      .add(key_of(link.sender))
      .add(key_of(link.receiver))
      .add(std::uint64_t{link.urgent} + (link.action == Choice::Action::deliver_late ? 2 : 0))
      .value();
}

std::uint64_t Network::key(caf::actor_id id) const {
  return key_of(index(id));
}

Network::Link& Network::link(const Choice& id) {
  if (const Link* found = find(id)) {
    return const_cast<Link&>(*found);
  }
  if (links_.size() == link_count_) {
    links_.emplace_back();
  }
  auto& made = links_[link_count_];
  made.id = id;
  if (!id.is_delivery()) {
    made.id.action = Choice::Action::deliver;
  }
  made.messages.clear();
  made.first = 0;
  nodes_[id.receiver].incoming.push_back(static_cast<std::uint32_t>(link_count_++));
  return made;
}

const Network::Link* Network::find(const Choice& id) const {
  if (id.receiver > node_count_) {
    return nullptr;
  }
  const bool is_late = id.action == Choice::Action::deliver_late;
  for (const std::uint32_t i : nodes_[id.receiver].incoming) {
    const auto& on = links_[i].id;
    if (on.sender == id.sender && on.urgent == id.urgent &&
        (on.action == Choice::Action::deliver_late) == is_late) {
      return &links_[i];
    }
  }
  return nullptr;
}

Delivery Network::describe(const Choice& on, const InFlight& message) const {
  return {on, message.type, message.element.get(), name(on.sender), name(on.receiver)};
}

Delivery Network::next(const Choice& on) const {
  const Link* found = find(on);
  return describe(on, *found->last_of_step());
}

Network::Label Network::label(const Choice& on) const {
  const Link* found = find(on);
  const auto& message = *found->last_of_step();
  return {found->id, message.type, message.element->mid.is_response(), message.digest};
}

std::vector<Network::Label> Network::queued() const {
  std::vector<Label> result;
  for (std::size_t i = 0; i < link_count_; ++i) {
    const auto& link = links_[i];
    bool is_choice = link.is_ready() && !must_wait(link);
    for (auto message = link.last_of_step(); message != link.messages.end(); ++message) {
      if (!message->with_next && !std::exchange(is_choice, false)) {
        result.push_back(
            {link.id, message->type, message->element->mid.is_response(), message->digest});
      }
    }
  }
  return result;
}

bool Network::is_optional(const Choice& on) const {
  const Link* found = find(on);
  return found->messages[found->first].optional;
}

bool Network::has_timer() const {
  return scheduler_.has_pending_timeout();
}

const char* Network::name(NodeIndex node) const {
  return node == 0 || node >= outside ? "outside" : nodes_[node].name;
}

const char* Network::state(NodeIndex node) const {
  const auto* explorable = nodes_[node].explorable;
  if (!nodes_[node].alive) {
    return "dead";
  }
  return explorable ? explorable->state_name() : "always";
}

std::uint64_t Network::state_digest(NodeIndex node) const {
  const auto* explorable = nodes_[node].alive ? nodes_[node].explorable : nullptr;
  return explorable ? explorable->state_digest(*this) : 0;
}

caf::strong_actor_ptr Network::actor(NodeIndex node) const {
  return caf::actor_cast<caf::strong_actor_ptr>(nodes_[node].address);
}

std::uint64_t Network::message_digest(const Delivery& delivery) const {
  Fingerprint digest;
  digest.add(delivery.type->hash_code());
  const auto id = delivery.element->mid;
  if (id.is_response() && delivery.link.receiver < outside) {
    const auto& requests = nodes_[delivery.link.receiver].requests;
    const auto answered =
        std::ranges::find(requests, id.request_id().integer_value(), &Request::id);
    digest.add(answered == requests.end() ? 0 : answered->digest);
  }
  return digest.add(id.is_request()).add(digest_of(delivery)).value();
}

std::uint64_t Network::node_digest(NodeIndex index) {
  auto& node = nodes_[index];
  // One that nobody can send to any more has ended without a message.
  const auto* control = node.address.get();
  const bool exists = node.alive && control != nullptr && control->strong_refs > 0;
  if (!node.changed && exists == node.existed) {
    return node.digest;
  }
  std::uint64_t requests = 0;
  for (const auto& request : node.requests) {
    requests += Fingerprint::mix(request.digest);
  }
  std::uint64_t state = 0;
  if (exists && node.explorable) {
    state = node.explorable->state_digest(*this);
  } else if (exists && watch != nullptr) {
    state = watch->state_digest(*node.actor);
  }
  node.changed = false;
  node.existed = exists;
  Fingerprint digest;
  digest.add(node.key).add(exists).add(state).add(requests);
  for (const auto& message : node.skipped) {
    digest.add(message.digest);
  }
  node.digest = digest.value();
  return node.digest;
}

std::uint64_t Network::link_digest(const Link& link) const {
  Fingerprint content;
  content.add(link_key(link.id));
  std::uint64_t together = 0;  // of those that go with the next, in any order
  for (std::size_t k = link.first; k < link.messages.size(); ++k) {
    const auto& message = link.messages[k];
    if (message.with_next) {
      together += Fingerprint::mix(message.digest);
    } else {
      content.add(message.digest + std::exchange(together, 0));
    }
  }
  return together == 0 ? content.value() : content.add(together).value();
}

std::uint64_t Network::fingerprint() {
  std::uint64_t sum = 0;  // of independent parts, whose order says nothing
  for (std::size_t i = 1; i <= node_count_; ++i) {
    sum += node_digest(static_cast<NodeIndex>(i));
  }
  for (std::size_t i = 0; i < link_count_; ++i) {
    sum += links_[i].empty() ? 0 : link_digest(links_[i]);
  }
  sum += causal ? causal_digest() : 0;
  return Fingerprint::mix(sum);
}

std::vector<Network::Part> Network::parts() {
  std::vector<Part> result;
  for (std::size_t i = 1; i <= node_count_; ++i) {
    const auto node = static_cast<NodeIndex>(i);
    const Choice self{node, node, false, Choice::Action::deliver};
    result.push_back({self, true, node_digest(node)});
  }
  for (std::size_t i = 0; i < link_count_; ++i) {
    if (!links_[i].empty()) {
      result.push_back({links_[i].id, false, link_digest(links_[i])});
    }
  }
  return result;
}

}  // namespace nodezero::verify::explore
