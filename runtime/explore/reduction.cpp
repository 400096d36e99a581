#include "runtime/explore/reduction.hpp"

#include <algorithm>

namespace nodezero::runtime::explore {

std::uint32_t Reduction::number(const Network::Label& label) {
  const auto [place, is_new] = numbers_.try_emplace({label.link.packed(), label.type},
                                                    static_cast<std::uint32_t>(entries_.size()));
  if (is_new) {
    entries_.push_back({label, {}});
    marked_.push_back(0);
  }
  return place->second;
}

void Reduction::learn(const Network::Label& cause, const Network& network) {
  const std::uint32_t from = number(cause);
  for (const auto& label : network.sent()) {
    const std::uint32_t to = number(label);
    auto& effects = entries_[from].effects;
    if (std::ranges::find(effects, to) == effects.end()) {
      effects.push_back(to);
      ++news_;
    }
  }
}

bool Reduction::can_be_overtaken(NodeIndex actor, const std::vector<std::uint32_t>& in_flight,
                                 const Network& network) {
  ++search_;
  queue_.clear();
  const auto visit = [this](std::uint32_t label) {
    if (marked_[label] != search_) {
      marked_[label] = search_;
      queue_.push_back(label);
    }
  };
  for (const std::uint32_t label : in_flight) {
    if (entries_[label].label.link.receiver != actor) {
      visit(label);
    }
  }
  for (std::size_t next = 0; next < queue_.size(); ++next) {
    for (const std::uint32_t effect : entries_[queue_[next]].effects) {
      const auto& label = entries_[effect].label;
      if (label.link.receiver != actor) {
        visit(effect);
        continue;
      }
      // Behind a message of the same link it overtakes nothing.
      const bool is_first = !network.is_possible(label.link);
      const bool is_asked_for = !label.is_response || network.unanswered(actor) > 0;
      if (is_first && is_asked_for) {
        return true;
      }
    }
  }
  return false;
}

std::vector<Choice> Reduction::select(const Run& run, const Network& network) {
  const auto all = run.choices();
  std::vector<Choice> everything(all.begin(), all.end());
  const bool faulty = run.faults_left() > 0;
  if (all.size() <= 1 || (faulty && (run.faults().duplicates || run.faults().timers))) {
    return everything;
  }
  std::vector<std::uint32_t> in_flight;
  for (const auto& choice : all) {
    if (choice.action != Choice::Action::deliver) {
      return everything;  // time passes
    }
    in_flight.push_back(number(network.label(choice)));
  }
  // A link has more messages than its first; they are reached through its receiver only if the
  // first is, so what they cause is counted from the start.
  for (const auto& label : network.queued()) {
    in_flight.push_back(number(label));
  }
  std::vector<Choice> best = everything;
  std::vector<Choice> of_actor;
  for (const auto& candidate : all) {
    of_actor.clear();
    bool has_optional = false;
    for (const auto& choice : all) {
      if (choice.receiver == candidate.receiver) {
        of_actor.push_back(choice);
        has_optional = has_optional || network.is_optional(choice);
      }
    }
    // What may also never happen is no step that all goes on with.
    if (of_actor.front() != candidate || of_actor.size() >= best.size() || has_optional) {
      continue;
    }
    if (!can_be_overtaken(candidate.receiver, in_flight, network)) {
      best = of_actor;
      if (best.size() == 1) {
        break;
      }
    }
  }
  return best;
}

}  // namespace nodezero::runtime::explore
