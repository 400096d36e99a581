// SPDX-License-Identifier: BSD-3-Clause
#include "verify/replay/redelivery.hpp"

#include <algorithm>
#include <unordered_map>

#include <fmt/format.h>

namespace nodezero::verify {

using namespace explore;
namespace {

using trace::Event;
using trace::Kind;
using trace::Trace;
using EventNumber = Redelivery::EventNumber;

constexpr std::uint32_t unknown_actor = 0xffffffff;

}  // namespace

Redelivery::Redelivery(Network& network, const Trace& recorded, TypeName type_name,
                       FromOutside from_outside)
    : network_(network),
      recorded_(recorded),
      type_name_(std::move(type_name)),
      from_outside_(std::move(from_outside)),
      here_(recorded.actors.size(), 0),
      recorded_as_{0} {
  for (std::uint32_t actor = 1; actor < recorded.actors.size(); ++actor) {
    spawned_[{recorded.actors[actor].parent, recorded.actors[actor].name}].push_back(actor);
  }
  std::vector<std::pair<EventNumber, EventNumber>> handlings;  // end and begin
  std::unordered_map<EventNumber, EventNumber> ends;
  for (EventNumber number = 1; number <= recorded.events.size(); ++number) {
    const Event& event = recorded.event(number);
    if (event.kind == Kind::end) {
      ends[event.handling] = number;
    } else if (event.handling != 0 && (event.kind == Kind::send || event.kind == Kind::note)) {
      doings_[event.handling].push_back(number);
    }
  }
  for (EventNumber number = 1; number <= recorded.events.size(); ++number) {
    if (recorded.event(number).kind == Kind::begin) {
      const auto end = ends.find(number);
      handlings.emplace_back(end == ends.end() ? number : end->second, number);
    }
  }
  std::ranges::sort(handlings);
  for (const auto& [end, begin] : handlings) {
    order_.push_back(begin);
  }
  is_done_.resize(order_.size(), false);
}

bool Redelivery::run(EventNumber last) {
  recognise_actors();
  std::vector<std::size_t> blocked(recorded_.actors.size(), 0);  // by actor: in which scan
  for (std::size_t scan = 1;; ++scan) {
    missing_ = 0;
    bool has_handled = false;
    for (std::size_t at = first_undone_; at < order_.size() && !has_handled; ++at) {
      const EventNumber begin = order_[at];
      const auto actor = recorded_.event(begin).actor;
      if (is_done_[at] || begin > last || blocked[actor] == scan) {
        continue;
      }
      has_handled = try_handle(begin);
      is_done_[at] = has_handled;
      if (!has_handled) {
        blocked[actor] = scan;
        missing_ = missing_ == 0 ? begin : missing_;
      }
    }
    while (first_undone_ < order_.size() &&
           (is_done_[first_undone_] || order_[first_undone_] > last)) {
      ++first_undone_;
    }
    if (!has_handled) {
      return missing_ == 0;
    }
  }
}

bool Redelivery::try_handle(EventNumber begin) {
  if (here_[recorded_.event(begin).actor] == 0) {
    return false;
  }
  auto link = find(begin);
  if (!link && fetch(begin)) {
    link = find(begin);
  }
  if (!link) {
    return false;
  }
  handling_ = begin;
  sent_ = next_note_ = 0;
  SendObserver::current = this;
  runtime::Sightings::recorded = this;
  network_.take(*link);
  runtime::Sightings::recorded = nullptr;
  SendObserver::current = nullptr;
  recognise_actors();
  handled_.push_back(begin);
  return true;
}

/// A note is recognised by its text and by how much had been sent before it.
bool Redelivery::was_seen(std::string_view what) {
  const auto& doings = doings_[handling_];
  std::size_t sent = 0;
  for (std::size_t at = 0; at < doings.size() && sent <= sent_; ++at) {
    const Event& event = recorded_.event(doings[at]);
    if (event.kind == Kind::send) {
      ++sent;
    } else if (sent == sent_ && at >= next_note_ && recorded_.name(event.type) == what) {
      next_note_ = at + 1;
      return true;
    }
  }
  return false;
}

std::optional<Choice> Redelivery::find(EventNumber begin) {
  const Event& event = recorded_.event(begin);
  const auto& life = *recorded_.message_of(event);
  const Event& sent = recorded_.event(life.sent);
  const bool is_response = (sent.detail & trace::is_response) != 0;
  const auto name = recorded_.name(event.type);
  return network_.bring_forward(here_[event.actor], [&](const Delivery& delivery) {
    const NodeIndex sender = delivery.link.sender;
    const auto id = delivery.element->mid;
    return (event.peer == 0 ? sender == 0 || sender >= outside : sender == here_[event.peer]) &&
           id.is_response() == is_response &&
           (!is_response ||
            static_cast<std::uint32_t>(id.request_id().integer_value()) == sent.argument) &&
           (*delivery.type == typeid(void) || type_name_(*delivery.type) == name);
  });
}

/// Has something come that no handler sends: a timeout, a message from outside, or the answer that
/// CAF gives for an actor that has ended. @return false if there is no such thing to wait for.
bool Redelivery::fetch(EventNumber begin) {
  const Event& event = recorded_.event(begin);
  const auto& life = *recorded_.message_of(event);
  const Event& sent = recorded_.event(life.sent);
  const NodeIndex node = here_[event.actor];
  if (event.peer == event.actor && sent.handling == 0) {
    while (network_.has_timer()) {
      network_.take({0, 0, false, Choice::Action::timer});
      if (find(begin)) {
        return true;
      }
    }
    return false;
  }
  if (event.peer != 0) {
    return false;
  }
  if ((sent.detail & trace::is_response) != 0) {
    for (NodeIndex dead = 1; dead <= network_.actors(); ++dead) {
      const auto request = network_.is_alive(dead)
                               ? std::nullopt
                               : network_.bring_forward(dead, [&](const Delivery& delivery) {
                                   const auto id = delivery.element->mid;
                                   return delivery.link.sender == node && id.is_request() &&
                                          static_cast<std::uint32_t>(
                                              id.request_id().integer_value()) == sent.argument;
                                 });
      if (request) {
        network_.take(*request);
        return true;
      }
    }
    return false;
  }
  const auto content = from_outside_(life.sent);
  if (!content) {
    return false;
  }
  const auto priority = (sent.detail & trace::is_urgent) != 0 ? caf::message_priority::high
                                                              : caf::message_priority::normal;
  network_.actor(node)->enqueue(nullptr, caf::make_message_id(priority), *content, nullptr);
  network_.settle();
  return true;
}

void Redelivery::recognise_actors() {
  while (recorded_as_.size() <= network_.actors()) {
    const auto node = static_cast<NodeIndex>(recorded_as_.size());
    const Place place{recorded_as_[network_.parent(node)], network_.name(node)};
    const auto found = spawned_.find(place);
    const std::size_t which = recognised_[place]++;
    const bool is_known = found != spawned_.end() && which < found->second.size();
    recorded_as_.push_back(is_known ? found->second[which] : unknown_actor);
    if (is_known) {
      here_[found->second[which]] = node;
    }
  }
}

// -- comparing -----------------------------------------------------------------------------------

namespace {

/// What a trace says of each handling, in terms that hold in another trace as well.
class Doings {
 public:
  explicit Doings(const Trace& trace)
      : trace_(trace), inside_(trace.events.size() + 1), beginnings_(trace.actors.size()) {
    std::unordered_map<std::string, std::uint32_t> times;
    for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
      const auto name = trace.actor_name(actor);
      names_.push_back(fmt::format("{}/{}", name, ++times[name]));
    }
    std::vector<bool> has_begun(trace.actors.size(), false);
    for (EventNumber number = 1; number <= trace.events.size(); ++number) {
      const Event& event = trace.event(number);
      if (event.kind == Kind::begin) {
        has_begun[event.actor] = true;
        begins_.push_back(number);
      } else if (counts(event)) {
        if (event.handling != 0) {
          inside_[event.handling].push_back(number);
        } else if (event.kind != Kind::spawn && !has_begun[event.actor]) {
          beginnings_[event.actor].push_back(number);
        }
      }
    }
  }

  const std::vector<EventNumber>& begins() const { return begins_; }
  const std::vector<EventNumber>& inside(EventNumber begin) const { return inside_[begin]; }
  const std::vector<EventNumber>& beginning(std::uint32_t actor) const {
    return beginnings_[actor];
  }

  std::string label(EventNumber number) const {
    const Event& event = trace_.event(number);
    const bool has_argument = event.kind == Kind::state || event.kind == Kind::timer;
    const bool is_send = event.kind == Kind::send;
    std::string text = fmt::format(
        "{}|{}|{}|{}|{}|{}", names_[event.actor], static_cast<int>(event.kind),
        trace_.name(event.type), names_[event.peer],
        is_send || event.kind == Kind::end ? event.detail : 0, has_argument ? event.argument : 0);
    const auto words = trace_.payload(event);
    text.append(reinterpret_cast<const char*>(words.data()), words.size_bytes());
    return text;
  }

 private:
  bool counts(const Event& event) const {
    switch (event.kind) {
      case Kind::send:
        return event.peer != event.actor && !is_anonymous(event);
      case Kind::spawn:
      case Kind::timer:
      case Kind::state:
      case Kind::exit:
      case Kind::note:
      case Kind::end:
        return true;
      default:
        return false;
    }
  }
  /// True for what a host sends in a call that an actor makes: nobody's handler decided it.
  bool is_anonymous(const Event& event) const {
    const auto* life = trace_.message_of(event);
    return life && life->begun != 0 && trace_.event(life->begun).peer == 0 &&
           (event.detail & trace::is_response) == 0;
  }

  const Trace& trace_;
  std::vector<std::string> names_;
  std::vector<EventNumber> begins_;
  std::vector<std::vector<EventNumber>> inside_;      ///< by begin event
  std::vector<std::vector<EventNumber>> beginnings_;  ///< by actor: before its first message
};

std::optional<Divergence> first_difference(const Doings& recorded,
                                           const std::vector<EventNumber>& left,
                                           const Doings& happening,
                                           const std::vector<EventNumber>& right) {
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const EventNumber a = i < left.size() ? left[i] : 0;
    const EventNumber b = i < right.size() ? right[i] : 0;
    if (a == 0 || b == 0 || recorded.label(a) != happening.label(b)) {
      return Divergence{a, b};
    }
  }
  return std::nullopt;
}

}  // namespace

std::optional<Divergence> first_divergence(const Trace& recorded, const Trace& happening,
                                           const std::vector<EventNumber>& handled) {
  const Doings left(recorded), right(happening);
  std::vector<bool> has_begun(recorded.actors.size(), false);
  for (std::size_t i = 0; i < handled.size(); ++i) {
    const EventNumber a = handled[i];
    const EventNumber b = i < right.begins().size() ? right.begins()[i] : 0;
    if (b == 0) {
      return Divergence{a, 0};
    }
    const auto actor = recorded.event(a).actor;
    std::optional<Divergence> found;
    if (!has_begun[actor]) {
      has_begun[actor] = true;
      found = first_difference(left, left.beginning(actor), right,
                               right.beginning(happening.event(b).actor));
    }
    if (!found) {
      found = first_difference(left, {a}, right, {b});
    }
    if (!found) {
      found = first_difference(left, left.inside(a), right, right.inside(b));
    }
    if (found) {
      return found;
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::verify
