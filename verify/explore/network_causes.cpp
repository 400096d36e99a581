// SPDX-License-Identifier: BSD-3-Clause

// Which messages were sent before which others, and so come first in a mailbox that both go to.

#include <algorithm>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {

void Network::note_cause(NodeIndex sender, bool is_first, InFlight& message) {
  message.number = ++messages_;
  if (sender == 0 || sender >= outside) {
    return;
  }
  auto& from = nodes_[sender];
  message.past = from.past;
  // Of several messages to one actor only the first is known to come before or after those to
  // others. The rest counts as if sent at any moment of the step.
  if (is_first) {
    message.past.add(from.recent);
    from.recent.add(message.number);
  }
  senders_.emplace_back(sender, message.number);
}

void Network::note_senders() {
  for (const auto& [sender, number] : senders_) {
    nodes_[sender].past.add(number);
    nodes_[sender].recent.clear();
  }
  senders_.clear();
}

/// True if a message to the same actor was sent before, which then comes before.
bool Network::must_wait(const Link& link) const {
  if (!causal || link.id.action == Choice::Action::deliver_late) {
    return false;
  }
  const auto& past = link.messages[link.first].past;
  return std::ranges::any_of(nodes_[link.id.receiver].incoming, [&](std::uint32_t i) {
    const auto& other = links_[i];
    return &other != &link && !other.empty() && other.id.urgent == link.id.urgent &&
           other.id.action != Choice::Action::deliver_late &&
           past.has(other.messages[other.first].number);
  });
}

/// What of the past is still to be seen: the order of what is in flight, and what of it the actors
/// may cause to wait.
std::uint64_t Network::causal_digest() const {
  struct Known {
    std::uint64_t key;
    const InFlight* message;
  };
  std::vector<Known> in_flight;
  for (std::size_t i = 0; i < link_count_; ++i) {
    const auto& link = links_[i];
    for (std::size_t k = link.first; k < link.messages.size(); ++k) {
      const auto& message = link.messages[k];
      in_flight.push_back(
          {Fingerprint().add(link_key(link.id)).add(k - link.first).add(message.digest).value(),
           &message});
    }
  }
  std::uint64_t sum = 0;
  const auto add_past = [&](std::uint64_t key, const MessageSet& past) {
    for (const auto& other : in_flight) {
      if (other.message->number != 0 && past.has(other.message->number)) {
        sum += Fingerprint().add(key).add(other.key).value();
      }
    }
  };
  for (const auto& one : in_flight) {
    add_past(one.key, one.message->past);
  }
  if (!in_flight.empty()) {
    for (std::size_t i = 1; i <= node_count_; ++i) {
      if (nodes_[i].alive) {
        add_past(nodes_[i].key, nodes_[i].past);
      }
    }
  }
  return sum;
}

}  // namespace nodezero::verify::explore
