// SPDX-License-Identifier: BSD-3-Clause

// What a network does for actors that know nothing of it: it sees what they would only have CAF
// print, ends them whatever they wait for, and lets virtual time pass.

#include <algorithm>
#include <exception>

#include "verify/explore/network.hpp"

namespace nodezero::verify::explore {
namespace {

using caf::scheduled_actor;

/// CAF shows these members to derived classes alone.
struct Inside : scheduled_actor {
  static auto default_handler_of() { return &Inside::default_handler_; }
  static auto down_handler_of() { return &Inside::down_handler_; }
  static auto exception_handler_of() { return &Inside::exception_handler_; }
  static auto awaited_of() { return &Inside::awaited_responses_; }
  static auto multiplexed_of() { return &Inside::multiplexed_responses_; }
};
struct InsideClock : caf::detail::simple_actor_clock {
  static auto schedule_of() { return &InsideClock::schedule_; }
  static auto lookup_of() { return &InsideClock::actor_lookup_; }
  static auto ship_of() { return &InsideClock::ship; }
};

template <class Signature>
bool is_function(const std::function<Signature>& handler, Signature* function) {
  auto* const* const target = handler.template target<Signature*>();
  return target != nullptr && *target == function;
}

std::string text_of(const std::exception_ptr& thrown) {
  try {
    std::rethrow_exception(thrown);
  } catch (const std::exception& e) {
    return e.what();
  } catch (...) {
    return "something that is not a std::exception";
  }
}

using Clock = caf::detail::simple_actor_clock;

/// The actor that a pending timeout belongs to.
caf::actor_id owner_of(const Clock::delayed_event& event) {
  switch (event.subtype) {
    case Clock::ordinary_timeout_type:
      return static_cast<const Clock::ordinary_timeout&>(event).self->id();
    case Clock::multi_timeout_type:
      return static_cast<const Clock::multi_timeout&>(event).self->id();
    case Clock::request_timeout_type:
      return static_cast<const Clock::request_timeout&>(event).self->id();
    case Clock::actor_msg_type:
      return static_cast<const Clock::actor_msg&>(event).receiver->id();
    default:
      return 0;
  }
}

}  // namespace

void Network::watch_over(scheduled_actor& actor, NodeIndex node) {
  nodes_[node].name = watch->keep_name(actor.name());
  auto& default_handler = actor.*Inside::default_handler_of();
  if (is_function(default_handler, &caf::print_and_drop)) {
    default_handler = [this, node](scheduled_actor*,
                                   caf::message_view& view) -> caf::result<caf::message> {
      watch->unhandled(node, view.content());
      return caf::sec::unexpected_message;
    };
  }
  auto& down_handler = actor.*Inside::down_handler_of();
  if (is_function(down_handler, &scheduled_actor::default_down_handler)) {
    down_handler = [this, node](scheduled_actor*, caf::down_msg& down) {
      const auto message = caf::make_message(down);
      watch->unhandled(node, *message.cvals());
    };
  }
  auto& exception_handler = actor.*Inside::exception_handler_of();
  if (is_function(exception_handler, &scheduled_actor::default_exception_handler)) {
    exception_handler = [this, node](scheduled_actor*, std::exception_ptr& thrown) -> caf::error {
      watch->threw(node, text_of(thrown));
      return caf::sec::runtime_error;
    };
  }
}

/// Messages that an actor has put off come before all others as soon as it has handled one.
void Network::take_up_skipped(NodeIndex node) {
  for (std::size_t tried = 0; nodes_[node].alive && tried < nodes_[node].skipped.size();) {
    auto& skipped = nodes_[node].skipped;
    auto message = std::move(skipped[tried]);
    skipped.erase(skipped.begin() + static_cast<std::ptrdiff_t>(tried));
    if (activate(node, message)) {
      tried = 0;
    } else if (nodes_[node].alive) {
      auto& now = nodes_[node].skipped;  // it was put at the end
      std::rotate(now.begin() + static_cast<std::ptrdiff_t>(tried), now.end() - 1, now.end());
      ++tried;
    }
  }
}

void Network::terminate(scheduled_actor& actor, caf::execution_unit* unit) {
  actor.context(unit);
  actor.quit(caf::exit_reason::kill);
  actor.finalize();
}

void Network::kill(NodeIndex node) {
  const NodeIndex outer = std::exchange(handling_, node);
  terminate(*nodes_[node].actor, &unit_);
  handling_ = outer;
  has_ended(node);
}

std::optional<Network::OpenRequest> Network::waits_for(NodeIndex index) const {
  const auto& node = nodes_[index];
  if (!node.alive) {
    return std::nullopt;
  }
  if (const auto held = actor(index); !held) {
    // Nobody knew it but by its request, and CAF has removed it with that.
    return node.requests.empty()
               ? std::nullopt
               : std::optional(OpenRequest{node.requests[0].receiver, node.requests[0].type});
  }
  const auto& awaited = node.actor->*Inside::awaited_of();
  const auto& multiplexed = node.actor->*Inside::multiplexed_of();
  if (awaited.empty() && multiplexed.empty()) {
    return std::nullopt;
  }
  const caf::message_id id = awaited.empty() ? multiplexed.begin()->first : awaited.front().first;
  const auto known =
      std::ranges::find(node.requests, id.request_id().integer_value(), &Request::id);
  return known == node.requests.end() ? OpenRequest{} : OpenRequest{known->receiver, known->type};
}

Delivery Network::first_skipped(NodeIndex node) const {
  const auto& message = nodes_[node].skipped.front();
  const NodeIndex sender =
      message.element->sender ? index(message.element->sender->id()) : NodeIndex{0};
  return describe({sender, node, false, Choice::Action::deliver}, message);
}

// -- time --------------------------------------------------------------------------------------

std::vector<Network::Timer> Network::timers() const {
  std::vector<Timer> result;
  const auto& schedule = scheduler_.clock().schedule();
  for (const auto& [due, event] : schedule) {
    const NodeIndex owner = index(owner_of(*event));
    const auto nth = std::ranges::count(result, owner, &Timer::actor);
    result.push_back({owner, static_cast<NodeIndex>(nth), due == schedule.begin()->first});
  }
  return result;
}

std::chrono::nanoseconds Network::next_timeout() const {
  return scheduler_.clock().schedule().begin()->first - beginning_;
}

void Network::trigger(const Choice& timer) {
  auto& clock = scheduler_.clock();
  if (watch == nullptr) {
    clock.trigger_timeout();
    return;
  }
  auto& schedule = clock.*InsideClock::schedule_of();
  auto& lookup = clock.*InsideClock::lookup_of();
  const auto fire = [&](Clock::schedule_map::iterator at) {
    const auto event = std::move(at->second);
    clock.current_time = std::max(clock.current_time, at->first);
    if (event->backlink != lookup.end()) {
      lookup.erase(event->backlink);
    }
    schedule.erase(at);
    (clock.*InsideClock::ship_of())(*event);
  };
  if (timer.receiver == 0) {
    const auto due = schedule.begin()->first;
    while (!schedule.empty() && schedule.begin()->first == due) {
      fire(schedule.begin());
      collect_ready();
    }
    return;
  }
  NodeIndex nth = 0;
  for (auto at = schedule.begin(); at != schedule.end(); ++at) {
    if (index(owner_of(*at->second)) == timer.receiver && nth++ == timer.sender) {
      fire(at);
      return;
    }
  }
}

std::uint64_t Network::clock_digest() {
  Fingerprint digest;
  const auto& clock = scheduler_.clock();
  for (const auto& [due, event] : clock.schedule()) {
    const caf::actor_id owner = owner_of(*event);
    digest.add(static_cast<std::uint64_t>((due - clock.current_time).count()))
        .add(static_cast<std::uint64_t>(event->subtype))
        .add(key(owner));
    if (event->subtype == Clock::actor_msg_type) {
      const auto& element = *static_cast<const Clock::actor_msg&>(*event).content;
      const Choice on{0, index(owner), false, Choice::Action::deliver};
      digest.add(digest_of({on, type_of(element), &element, "", ""}));
    } else if (event->subtype == Clock::request_timeout_type) {
      const auto& requests = nodes_[index(owner)].requests;
      const auto id = static_cast<const Clock::request_timeout&>(*event).id;
      const auto known = std::ranges::find(requests, id.request_id().integer_value(), &Request::id);
      digest.add(known == requests.end() ? 0 : known->digest);
    }
  }
  return digest.value();
}

}  // namespace nodezero::verify::explore
