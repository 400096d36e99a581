// SPDX-License-Identifier: BSD-3-Clause

// How what is sent comes to a network: actors that have become ready are found, and their messages
// are taken out of their mailboxes and put on links.

#include <algorithm>
#include <stdexcept>
#include <utility>

#include <fmt/format.h>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {
namespace {

caf::scheduled_actor& actor_of(caf::resumable* job) {
  return *static_cast<caf::scheduled_actor*>(job);
}

}  // namespace

const std::type_info* Network::type_of(const caf::mailbox_element& element) {
  const auto& content = element.content();
  if (content.size() == 0) {
    return &typeid(void);
  }
  const auto [number, type] = content.type(0);
  // CAF's own types have a number and no type_info here.
  if (type) {
    return type;
  }
  if (content.match_elements<caf::down_msg>()) {
    return &typeid(caf::down_msg);
  }
  if (content.match_elements<caf::exit_msg>()) {
    return &typeid(caf::exit_msg);
  }
  return content.match_elements<caf::error>() ? &typeid(caf::error) : &typeid(void);
}

void Network::on_send(caf::actor_id receiver, const caf::mailbox_element& element) {
  if (element.mid.is_request() && handling_ != 0 && nodes_[handling_].explorable) {
    captured_.push_back({element.mid.request_id().integer_value() ^ std::uint64_t{handling_} << 48U,
                         nodes_[handling_].explorable->continuation(*this)});
  }
  // What is sent to the dead never comes to a mailbox, and yet its sender would have sent it to
  // the living.
  const NodeIndex node = index(receiver);
  if (node != 0 && !nodes_[node].alive && handling_ != 0) {
    const NodeIndex sender = element.sender ? index(element.sender->id()) : outside;
    const Choice on{sender, node, element.mid.is_urgent_message(), Choice::Action::deliver};
    const Delivery delivery{on, type_of(element), &element, name(sender), name(node)};
    if (in_place && in_place(delivery)) {
      handlers_.push_back(node);
    } else {
      sent_.push_back({on, delivery.type, element.mid.is_response(), message_digest(delivery)});
    }
  }
}

void Network::collect_ready() {
  for (std::size_t next = 0; next < ready_.size() || !scheduler_.jobs.empty();) {
    if (!scheduler_.jobs.empty()) {
      // Sent without naming who sends, which only the handler of the step can have done.
      const NodeIndex by = watch != nullptr && handling_ == 0 ? stepping_ : handling_;
      for (auto* job : scheduler_.jobs) {
        ready_.push_back({job, by, false});
      }
      scheduler_.jobs.clear();
    }
    const auto [job, by, is_in_order] = ready_[next++];
    auto& actor = actor_of(job);
    // The job has a reference to the actor, which is ours now.
    const caf::strong_actor_ptr reference(actor.ctrl(), false);
    if (actor.id() < first_id_) {
      discard_messages(actor);  // CAF's own, such as who prints what actors write
      continue;
    }
    if (index(actor.id()) == 0) {
      const NodeIndex node = add_node(actor, by);
      const NodeIndex outer = std::exchange(handling_, node);
      nodes_[node].alive = actor.activate(&unit_);
      handling_ = outer;
      if (!nodes_[node].alive) {
        ended_.push_back(node);
      }
    }
    collect(actor, by, is_in_order);
  }
  ready_.clear();
  captured_.clear();
}

NodeIndex Network::add_node(caf::scheduled_actor& actor, NodeIndex spawner) {
  const auto node = static_cast<NodeIndex>(++node_count_);
  if (node >= outside) {
    throw std::length_error("an explored run has too many actors");
  }
  if (nodes_.size() <= node) {
    nodes_.resize(node + 1U);
  }
  const std::size_t place = actor.id() - first_id_;
  if (index_of_id_.size() <= place) {
    index_of_id_.resize(place + 1, 0);
  }
  index_of_id_[place] = node;
  auto& added = nodes_[node];
  added.address = actor.address();
  added.actor = &actor;
  added.name = actor.name();
  added.explorable = dynamic_cast<const Explorable*>(&actor);
  added.parent = spawner;
  added.alive = true;
  added.changed = true;
  added.children = 0;
  added.key = Fingerprint()
                  .add(key_of(spawner))
                  .add(std::string_view(added.name))
                  .add(nodes_[spawner].children++)
                  .value();
  added.incoming.clear();
  added.requests.clear();
  added.skipped.clear();
  added.past.clear();
  if (causal && spawner != 0) {
    added.past.add(nodes_[spawner].past);
  }
  if (watch != nullptr) {
    watch_over(actor, node);
  }
  return node;
}

void Network::discard_messages(caf::scheduled_actor& actor) {
  auto& mailbox = actor.mailbox();
  mailbox.fetch_more();
  while (actor.get_urgent_queue().take_front() || actor.get_normal_queue().take_front()) {
  }
  mailbox.try_block();
}

void Network::collect(caf::scheduled_actor& actor, NodeIndex by, bool is_in_order) {
  const NodeIndex node = index(actor.id());
  auto& mailbox = actor.mailbox();
  if (mailbox.closed()) {
    return;  // it has ended and has answered for what was in its mailbox
  }
  mailbox.fetch_more();
  // The first message made the actor ready.
  bool is_first =
      is_in_order && (actor.get_urgent_queue().empty() || actor.get_normal_queue().empty());
  while (auto element = actor.get_urgent_queue().take_front()) {
    accept(actor, node, by, std::exchange(is_first, false), std::move(element));
  }
  while (auto element = actor.get_normal_queue().take_front()) {
    accept(actor, node, by, std::exchange(is_first, false), std::move(element));
  }
  if (watch != nullptr && mailbox.queue().total_task_size() > 0) {
    watch->refuse(fmt::format("{} {} uses CAF's streams", name(node), node));
  }
  mailbox.try_block();
}

/// Who put a message into a mailbox: its sender, unless it was forwarded for that one by another.
NodeIndex Network::origin_of(const caf::mailbox_element& element, NodeIndex by) const {
  const NodeIndex sender = element.sender ? index(element.sender->id()) : NodeIndex{0};
  if (watch == nullptr) {
    return element.sender ? sender : outside;
  }
  if (sender != 0 && (stepping_ == 0 || sender == stepping_ || sender >= first_of_step_)) {
    return sender;
  }
  return by != 0 ? by : outside;
}

void Network::accept(caf::scheduled_actor& receiver, NodeIndex node, NodeIndex by, bool is_first,
                     caf::mailbox_element_ptr element) {
  const Choice id{origin_of(*element, by), node, element->mid.is_urgent_message(),
                  Choice::Action::deliver};
  auto& on = link(id);
  InFlight message{std::move(element), caf::strong_actor_ptr(receiver.ctrl())};
  message.type = type_of(*message.element);
  if (causal) {
    note_cause(id.sender, is_first && id.sender == by, message);
  }
  const bool at_once = on.empty() && in_place && in_place(describe(id, message));
  const bool is_request = message.element->mid.is_request();
  if (fingerprints && (is_request || !at_once)) {
    message.digest = message_digest(describe(id, message));
  }
  if (is_request) {
    const NodeIndex requester =
        message.element->sender ? index(message.element->sender->id()) : NodeIndex{0};
    if (requester != 0) {
      note_request(requester, node, message);
    }
  }
  if (at_once) {
    in_place_.emplace_back(id, std::move(message));
    return;
  }
  message.with_next = with_next && with_next(describe(id, message));
  if ((fingerprints || labels) && !message.with_next) {
    sent_.push_back({id, message.type, message.element->mid.is_response(), message.digest});
  }
  put(on, std::move(message));
}

void Network::note_request(NodeIndex requester, NodeIndex receiver, const InFlight& message) {
  auto& from = nodes_[requester];
  const std::uint64_t request = message.element->mid.request_id().integer_value();
  const auto known = std::ranges::find(from.requests, request, &Request::id);
  if (known != from.requests.end()) {
    known->receiver = receiver;  // it was delegated
    return;
  }
  const auto captured =
      std::ranges::find(captured_, request ^ std::uint64_t{requester} << 48U, &Request::id);
  from.requests.push_back({request,
                           Fingerprint()
                               .add(message.digest)
                               .add(captured == captured_.end() ? 0 : captured->digest)
                               .value(),
                           receiver, message.type});
  from.changed = true;
}

void Network::put(Link& link, InFlight message) {
  mandatory_ += !message.optional;
  if (link.empty()) {
    link.messages.clear();
    link.first = 0;
  }
  link.messages.push_back(std::move(message));
}

void Network::inject(const caf::strong_actor_ptr& receiver, caf::message_id id,
                     caf::message content, bool optional) {
  const auto source = static_cast<NodeIndex>(outside + ++sources_);
  const NodeIndex node = index(receiver->id());
  InFlight message{caf::make_mailbox_element(nullptr, id, {}, std::move(content)), receiver};
  message.type = type_of(*message.element);
  message.optional = optional;
  const Choice on{source, node, id.is_urgent_message(), Choice::Action::deliver};
  if (fingerprints) {
    message.digest = message_digest(describe(on, message));
  }
  put(link(on), std::move(message));
  refresh_choices();
}

}  // namespace nodezero::verify::explore
