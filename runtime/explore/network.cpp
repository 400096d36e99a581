#include "runtime/explore/network.hpp"

#include <algorithm>
#include <stdexcept>
#include <utility>

namespace nodezero::runtime::explore {
namespace {

caf::scheduled_actor& actor_of(caf::resumable* job) {
  return *static_cast<caf::scheduled_actor*>(job);
}

const std::type_info* type_of(const caf::mailbox_element& element) {
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

}  // namespace

Network::Network(caf::actor_system& system)
    : system_(system),
      scheduler_(dynamic_cast<caf::scheduler::test_coordinator&>(system.scheduler())),
      unit_(&system, ready_) {
  nodes_.resize(1);
}

Network::~Network() {
  end();
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
    sent_.push_back({{sender, node, element.mid.is_urgent_message(), Choice::Action::deliver},
                     type_of(element),
                     element.mid.is_response()});
  }
}

// -- runs --------------------------------------------------------------------------------------

void Network::begin() {
  end();
  index_of_id_.clear();
  first_id_ = system_.next_actor_id();
  node_count_ = 0;
  link_count_ = 0;
  sources_ = 0;
  mandatory_ = 0;
  choices_.clear();
  nodes_[0] = {};
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
        auto exit =
            caf::make_mailbox_element(nullptr, caf::make_message_id(caf::message_priority::high),
                                      {}, caf::exit_msg{actor->address(), caf::exit_reason::kill});
        node.actor->activate(&unit_, *exit);
      }
      node.alive = false;
      node.address = nullptr;
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
  refresh_choices();
}

void Network::collect_ready() {
  for (std::size_t next = 0; next < ready_.size() || !scheduler_.jobs.empty();) {
    if (!scheduler_.jobs.empty()) {
      ready_.insert(ready_.end(), scheduler_.jobs.begin(), scheduler_.jobs.end());
      scheduler_.jobs.clear();
    }
    auto& actor = actor_of(ready_[next++]);
    // The job has a reference to the actor, which is ours now.
    const caf::strong_actor_ptr reference(actor.ctrl(), false);
    if (index(actor.id()) == 0) {
      const NodeIndex node = add_node(actor);
      const NodeIndex outer = std::exchange(handling_, node);
      nodes_[node].alive = actor.activate(&unit_);
      handling_ = outer;
    }
    collect(actor);
  }
  ready_.clear();
  captured_.clear();
}

NodeIndex Network::add_node(caf::scheduled_actor& actor) {
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
  added.parent = handling_;
  added.alive = true;
  added.changed = true;
  added.children = 0;
  added.key = Fingerprint()
                  .add(node_key(handling_))
                  .add(std::string_view(added.name))
                  .add(nodes_[handling_].children++)
                  .value();
  added.incoming.clear();
  added.requests.clear();
  return node;
}

void Network::collect(caf::scheduled_actor& actor) {
  const NodeIndex node = index(actor.id());
  auto& mailbox = actor.mailbox();
  if (mailbox.closed()) {
    return;  // it has ended and has answered for what was in its mailbox
  }
  mailbox.fetch_more();
  while (auto element = actor.get_urgent_queue().take_front()) {
    accept(actor, node, std::move(element));
  }
  while (auto element = actor.get_normal_queue().take_front()) {
    accept(actor, node, std::move(element));
  }
  mailbox.try_block();
}

void Network::accept(caf::scheduled_actor& receiver, NodeIndex node,
                     caf::mailbox_element_ptr element) {
  const NodeIndex sender = element->sender ? index(element->sender->id()) : outside;
  const Choice id{sender, node, element->mid.is_urgent_message(), Choice::Action::deliver};
  auto& on = link(sender, node, id.urgent);
  InFlight message{std::move(element), caf::strong_actor_ptr(receiver.ctrl()), nullptr, 0, false};
  message.type = type_of(*message.element);
  const bool at_once = on.empty() && in_place && in_place(describe(id, message));
  const bool is_request = message.element->mid.is_request();
  if (fingerprints && (is_request || !at_once)) {
    message.digest = message_digest(id, message);
  }
  if (is_request && sender < outside) {
    auto& from = nodes_[sender];
    const std::uint64_t request = message.element->mid.request_id().integer_value();
    const auto captured =
        std::ranges::find(captured_, request ^ std::uint64_t{sender} << 48U, &Request::id);
    from.requests.push_back({request, Fingerprint()
                                          .add(message.digest)
                                          .add(captured == captured_.end() ? 0 : captured->digest)
                                          .value()});
    from.changed = true;
  }
  if (at_once) {
    in_place_.emplace_back(id, std::move(message));
    return;
  }
  if (fingerprints) {
    sent_.push_back({id, message.type, message.element->mid.is_response()});
  }
  put(on, std::move(message));
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
  InFlight message{caf::make_mailbox_element(nullptr, id, {}, std::move(content)), receiver,
                   nullptr, 0, optional};
  message.type = type_of(*message.element);
  const Choice on{source, node, id.is_urgent_message(), Choice::Action::deliver};
  if (fingerprints) {
    message.digest = message_digest(on, message);
  }
  put(link(source, node, on.urgent), std::move(message));
  refresh_choices();
}

// -- steps -------------------------------------------------------------------------------------

void Network::refresh_choices() {
  choices_.clear();
  for (std::size_t i = 0; i < link_count_; ++i) {
    if (!links_[i].empty()) {
      choices_.push_back(links_[i].id);
    }
  }
}

bool Network::is_possible(const Choice& choice) const {
  if (choice.action == Choice::Action::timer) {
    return has_timer();
  }
  const Link* on = find(choice.sender, choice.receiver, choice.urgent);
  return on && !on->empty();
}

void Network::take(Choice choice) {
  sent_.clear();
  SendObserver::current = fingerprints ? this : nullptr;
  switch (choice.action) {
    case Choice::Action::deliver: {
      auto& on = link(choice.sender, choice.receiver, choice.urgent);
      auto message = std::move(on.messages[on.first++]);
      mandatory_ -= !message.optional;
      handle(choice, std::move(message));
      break;
    }
    case Choice::Action::duplicate: {
      auto& on = link(choice.sender, choice.receiver, choice.urgent);
      const auto& original = on.messages[on.first];
      const auto& element = *original.element;
      InFlight copy{caf::make_mailbox_element(element.sender, element.mid, {},
                                              element.copy_content_to_message()),
                    original.receiver, original.type, original.digest, original.optional};
      put(on, std::move(copy));
      break;
    }
    case Choice::Action::timer:
      scheduler_.clock().trigger_timeout();
      break;
  }
  settle();
  SendObserver::current = nullptr;
}

void Network::handle(const Choice& on, InFlight message) {
  ++deliveries_;
  if (judge) {
    judge(describe(on, message));
  }
  if (observe) {
    observe(describe(on, message));
  }
  auto& node = nodes_[on.receiver];
  if (!node.alive) {
    // What is sent to the dead is dropped, requests are answered with an error.
    node.actor->enqueue(std::move(message.element), &unit_);
    return;
  }
  const caf::message_id id = message.element->mid;
  const NodeIndex outer = std::exchange(handling_, on.receiver);
  const auto result = node.actor->activate(&unit_, *message.element);
  handling_ = outer;
  auto& after = nodes_[on.receiver];  // spawning moves nodes
  after.changed = true;
  if (id.is_response()) {
    std::erase_if(after.requests, [&](const Request& request) {
      return request.id == id.request_id().integer_value();
    });
  }
  if (result == caf::scheduled_actor::activation_result::terminated) {
    after.alive = false;
    after.requests.clear();
  }
}

// -- properties --------------------------------------------------------------------------------

NodeIndex Network::index(caf::actor_id id) const {
  const std::size_t place = id - first_id_;
  return place < index_of_id_.size() ? index_of_id_[place] : NodeIndex{0};
}

std::uint64_t Network::node_key(NodeIndex node) const {
  return node < outside ? nodes_[node].key : node;
}

std::uint64_t Network::key(caf::actor_id id) const {
  return node_key(index(id));
}

Network::Link& Network::link(NodeIndex sender, NodeIndex receiver, bool urgent) {
  if (const Link* found = find(sender, receiver, urgent)) {
    return const_cast<Link&>(*found);
  }
  if (links_.size() == link_count_) {
    links_.emplace_back();
  }
  auto& made = links_[link_count_];
  made.id = {sender, receiver, urgent, Choice::Action::deliver};
  made.messages.clear();
  made.first = 0;
  nodes_[receiver].incoming.push_back(static_cast<std::uint32_t>(link_count_++));
  return made;
}

const Network::Link* Network::find(NodeIndex sender, NodeIndex receiver, bool urgent) const {
  if (receiver > node_count_) {
    return nullptr;
  }
  for (const std::uint32_t i : nodes_[receiver].incoming) {
    if (links_[i].id.sender == sender && links_[i].id.urgent == urgent) {
      return &links_[i];
    }
  }
  return nullptr;
}

Delivery Network::describe(const Choice& on, const InFlight& message) const {
  return {on, message.type, message.element.get(), name(on.sender), name(on.receiver)};
}

Delivery Network::next(const Choice& on) const {
  const Link* found = find(on.sender, on.receiver, on.urgent);
  return describe(on, found->messages[found->first]);
}

Network::Label Network::label(const Choice& on) const {
  const Link* found = find(on.sender, on.receiver, on.urgent);
  const auto& message = found->messages[found->first];
  return {found->id, message.type, message.element->mid.is_response()};
}

std::vector<Network::Label> Network::queued() const {
  std::vector<Label> result;
  for (std::size_t i = 0; i < link_count_; ++i) {
    const auto& link = links_[i];
    for (std::size_t k = link.first + 1; k < link.messages.size(); ++k) {
      result.push_back(
          {link.id, link.messages[k].type, link.messages[k].element->mid.is_response()});
    }
  }
  return result;
}

bool Network::is_optional(const Choice& on) const {
  const Link* found = find(on.sender, on.receiver, on.urgent);
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

caf::strong_actor_ptr Network::actor(NodeIndex node) const {
  return caf::actor_cast<caf::strong_actor_ptr>(nodes_[node].address);
}

std::uint64_t Network::message_digest(const Choice& on, const InFlight& message) const {
  Fingerprint digest;
  digest.add(message.type->hash_code());
  const auto id = message.element->mid;
  if (id.is_response() && on.receiver < outside) {
    const auto& requests = nodes_[on.receiver].requests;
    const auto answered =
        std::ranges::find(requests, id.request_id().integer_value(), &Request::id);
    digest.add(answered == requests.end() ? 0 : answered->digest);
  }
  return digest.add(id.is_request()).add(digest_of(describe(on, message))).value();
}

std::uint64_t Network::fingerprint() {
  std::uint64_t sum = 0;  // of independent parts, whose order says nothing
  for (std::size_t i = 1; i <= node_count_; ++i) {
    auto& node = nodes_[i];
    if (node.changed) {
      // One that nobody can send to any more has ended without a message.
      const bool exists = node.alive && actor(static_cast<NodeIndex>(i));
      std::uint64_t requests = 0;
      for (const auto& request : node.requests) {
        requests += Fingerprint::mix(request.digest);
      }
      node.digest = Fingerprint()
                        .add(node.key)
                        .add(exists)
                        .add(exists && node.explorable ? node.explorable->state_digest(*this) : 0)
                        .add(requests)
                        .value();
      node.changed = false;
    }
    sum += node.digest;
  }
  for (std::size_t i = 0; i < link_count_; ++i) {
    const auto& link = links_[i];
    if (link.empty()) {
      continue;
    }
    Fingerprint content;
    content.add(node_key(link.id.sender)).add(node_key(link.id.receiver)).add(link.id.urgent);
    for (std::size_t k = link.first; k < link.messages.size(); ++k) {
      content.add(link.messages[k].digest);
    }
    sum += content.value();
  }
  return Fingerprint::mix(sum);
}

}  // namespace nodezero::runtime::explore
