// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/network.hpp"

#include <algorithm>
#include <utility>

namespace nodezero::verify::explore {

Network::Network(caf::actor_system& system)
    : system_(system),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
      unit_(&system, *this) {
  nodes_.resize(1);
}

Network::~Network() {
  end();
}

// -- runs --------------------------------------------------------------------------------------

void Network::begin() {
  end();
  index_of_id_.clear();
  first_id_ = system_.next_actor_id();
  node_count_ = 0;
  link_count_ = 0;
  sources_ = 0;
  messages_ = 0;
  mandatory_ = 0;
  choices_.clear();
  nodes_[0] = {};
  beginning_ = scheduler_.clock().current_time;
}

void Network::end() {
  observe = nullptr;
  bool any_alive = true;
  while (any_alive) {
    any_alive = false;
    for (std::size_t i = 1; i <= node_count_; ++i) {
      auto& node = nodes_[i];
      const auto actor = caf::actor_cast<caf::strong_actor_ptr>(node.address);
      if (node.alive && actor) {
        any_alive = true;
        terminate(*node.actor, &unit_);
      }
      node.alive = false;
      node.address = nullptr;
      node.skipped.clear();
    }
    for (std::size_t i = 0; i < link_count_; ++i) {
      links_[i].messages.clear();
      links_[i].first = 0;
    }
    in_place_.clear();
    scheduler_.clock().cancel_all();
    collect_ready();
  }
  for (std::size_t i = 0; i < link_count_; ++i) {
    links_[i].messages.clear();
    links_[i].first = 0;
  }
  in_place_.clear();
  choices_.clear();
}

void Network::settle() {
  collect_ready();
  for (std::size_t next = 0; next < in_place_.size(); ++next) {
    auto [on, message] = std::move(in_place_[next]);
    handle(on, std::move(message));
    collect_ready();
  }
  in_place_.clear();
  note_senders();
  refresh_choices();
}

// -- steps -------------------------------------------------------------------------------------

void Network::refresh_choices() {
  choices_.clear();
  for (std::size_t i = 0; i < link_count_; ++i) {
    if (links_[i].is_ready() && !must_wait(links_[i])) {
      choices_.push_back(links_[i].id);
    }
  }
}

bool Network::is_possible(const Choice& choice) const {
  if (choice.action == Choice::Action::timer) {
    return has_timer();
  }
  const Link* on = find(choice);
  return on && on->is_ready();
}

Network::InFlight Network::take_first(const Choice& id) {
  auto& on = link(id);
  auto message = std::move(on.messages[on.first++]);
  mandatory_ -= !message.optional;
  return message;
}

void Network::take(Choice choice) {
  sent_.clear();
  handlers_.clear();
  ended_.clear();
  SendObserver* const others = SendObserver::current;
  SendObserver::current = fingerprints ? this : others;
  stepping_ = choice.receiver;
  first_of_step_ = static_cast<NodeIndex>(node_count_ + 1);
  switch (choice.action) {
    case Choice::Action::deliver:
    case Choice::Action::deliver_late:
      for (bool is_last = false; !is_last;) {
        auto message = take_first(choice);
        is_last = !message.with_next;
        handle(choice, std::move(message));
        if (!is_last) {
          settle();
        }
      }
      break;
    case Choice::Action::duplicate: {
      auto& on = link(choice);
      const auto& original = *on.last_of_step();
      const auto& element = *original.element;
      InFlight copy{caf::make_mailbox_element(element.sender, element.mid, {},
                                              element.copy_content_to_message()),
                    original.receiver,
                    original.type,
                    original.digest,
                    original.optional,
                    false,
                    0,
                    {}};
      put(on, std::move(copy));
      break;
    }
    case Choice::Action::lose:
      take_first(choice);
      break;
    case Choice::Action::postpone: {
      auto message = take_first(choice);
      choice.action = Choice::Action::deliver_late;
      put(link(choice), std::move(message));
      break;
    }
    case Choice::Action::timer:
      trigger(choice);
      break;
    case Choice::Action::kill:
      kill(choice.receiver);
      break;
  }
  settle();
  std::ranges::for_each(ended_, [this](NodeIndex node) { drop_unfinished(node); });
  look_for_left_behind();
  stepping_ = 0;
  SendObserver::current = others;
}

std::optional<Choice> Network::bring_forward(NodeIndex receiver,
                                             const std::function<bool(const Delivery&)>& wanted) {
  for (const std::uint32_t i : nodes_[receiver].incoming) {
    auto& link = links_[i];
    const auto first = link.messages.begin() + static_cast<std::ptrdiff_t>(link.first);
    const auto found = std::find_if(first, link.messages.end(), [&](const InFlight& message) {
      return wanted(describe(link.id, message));
    });
    if (found != link.messages.end()) {
      std::rotate(first, found, found + 1);
      return link.id;
    }
  }
  return std::nullopt;
}

void Network::handle(const Choice& on, InFlight message) {
  ++deliveries_;
  handlers_.push_back(on.receiver);
  if (judge) {
    judge(describe(on, message));
  }
  if (observe) {
    observe(describe(on, message));
  }
  auto& node = nodes_[on.receiver];
  if (causal) {
    node.past.add(message.past);
    if (message.number != 0) {
      node.past.add(message.number);
    }
    last_number_ = message.number;
    last_past_ = message.past;
  }
  if (!node.alive) {
    // What is sent to the dead is dropped, requests are answered with an error.
    node.actor->enqueue(std::move(message.element), &unit_);
    return;
  }
  if (activate(on.receiver, message)) {
    take_up_skipped(on.receiver);
  }
}

/// Has an actor handle a message. @return true if it did, false if it put it off or ended
bool Network::activate(NodeIndex index, InFlight& message) {
  const caf::message_id id = message.element->mid;
  const NodeIndex outer = std::exchange(handling_, index);
  auto& actor = *nodes_[index].actor;
  const auto result = actor.activate(&unit_, *message.element);
  handling_ = outer;
  auto& node = nodes_[index];  // spawning moves nodes
  node.changed = true;
  if (result == caf::scheduled_actor::activation_result::skipped) {
    node.skipped.push_back(std::move(message));
    node.skipped.back().receiver = nullptr;  // or it would keep itself alive
    return false;
  }
  if (id.is_response()) {
    std::erase_if(node.requests, [&](const Request& request) {
      return request.id == id.request_id().integer_value();
    });
    if (watch != nullptr && has_timer()) {
      scheduler_.clock().cancel_request_timeout(&actor, id);
    }
  }
  if (result == caf::scheduled_actor::activation_result::terminated) {
    has_ended(index);
    return false;
  }
  return true;
}

void Network::has_ended(NodeIndex index) {
  auto& node = nodes_[index];
  ended_.push_back(index);
  node.alive = false;
  node.changed = true;
  node.requests.clear();
  drop_optional(index);
  for (auto& message : std::exchange(node.skipped, {})) {
    node.actor->enqueue(std::move(message.element), &unit_);  // answers requests with an error
  }
}

void Network::look_for_left_behind() {
  left_behind_ = false;
  for (const NodeIndex node : ended_) {
    const auto* control = nodes_[node].address.get();
    left_behind_ = left_behind_ || (control != nullptr && control->strong_refs > 0);
  }
  ever_left_behind_ = ever_left_behind_ || left_behind_;
}

/// What need not come would only keep the dead in memory, and all that they hold.
void Network::drop_optional(NodeIndex receiver) {
  for (const std::uint32_t i : nodes_[receiver].incoming) {
    auto& link = links_[i];
    const auto first = link.messages.begin() + static_cast<std::ptrdiff_t>(link.first);
    link.messages.erase(std::remove_if(first, link.messages.end(),
                                       [](const InFlight& message) { return message.optional; }),
                        link.messages.end());
  }
}

/// What waits for another message of a sender that sends no more.
void Network::drop_unfinished(NodeIndex sender) {
  for (std::size_t i = 0; with_next && i < link_count_; ++i) {
    auto& link = links_[i];
    while (link.id.sender == sender && !link.empty() && link.messages.back().with_next) {
      mandatory_ -= !link.messages.back().optional;
      link.messages.pop_back();
    }
  }
}

}  // namespace nodezero::verify::explore
