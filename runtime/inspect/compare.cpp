// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/inspect/compare.hpp"

#include <functional>
#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {
namespace {

/// FNV-1a. Two different events among a million get the same number in one of 10^7 comparisons.
std::uint64_t mixed(std::uint64_t state, std::uint64_t word) {
  state = (state ^ word) * 0x100000001b3;
  return state ^ state >> 32;
}

using Label = std::uint64_t;

/// The events of a trace by what they say, each as a number that is the same in every trace.
class Labelled {
 public:
  Labelled(const Trace& trace, const CompareOptions& options) : trace_(trace) {
    const std::hash<std::string> hash;
    for (const auto& name : trace.names) {
      ignored_.push_back(options.ignored_types.contains(name.text));
      types_.push_back(hash(name.text));
    }
    // A replaced actor has the name of the one before: they are told apart by their order.
    std::unordered_map<std::string, std::uint32_t> times;
    for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
      const bool any = actor > 0 && options.interchangeable.contains(trace.actors[actor].name);
      const auto name = any ? trace.actors[actor].name : trace.actor_name(actor);
      actors_.push_back(hash(any ? name : fmt::format("{}/{}", name, ++times[name])));
    }
  }

  bool counts(EventNumber number) const { return !ignored_[trace_.event(number).type]; }

  /// Without the payload: who, what, with whom.
  Label place(EventNumber number) const {
    const Event& event = trace_.event(number);
    const Label who = mixed(actors_[event.actor], static_cast<std::uint64_t>(event.kind));
    const Label what = mixed(who, types_[event.type]);
    const Label with = mixed(what, event.peer < actors_.size() ? actors_[event.peer] : 0);
    return mixed(with, event.kind == Kind::end ? event.detail : 0);
  }

  Label label(EventNumber number) const {
    Label label = place(number);
    for (const auto word : trace_.payload(trace_.event(number))) {
      label = mixed(label, word);
    }
    return label;
  }

  EventNumber last() const { return static_cast<EventNumber>(trace_.events.size()); }

 private:
  const Trace& trace_;
  std::vector<bool> ignored_;
  std::vector<Label> types_, actors_;
};

using Counts = std::unordered_map<Label, std::size_t>;

/// How often each label occurs.
Counts counted(const Labelled& events) {
  Counts counts;
  counts.reserve(events.last());
  for (EventNumber number = 1; number <= events.last(); ++number) {
    if (events.counts(number)) {
      ++counts[events.label(number)];
    }
  }
  return counts;
}

/// The first event that occurs more often than in the other trace: it is in a causal order.
EventNumber first_surplus(const Labelled& events, Counts other) {
  for (EventNumber number = 1; number <= events.last(); ++number) {
    if (!events.counts(number)) {
      continue;
    }
    const auto found = other.find(events.label(number));
    if (found == other.end() || found->second == 0) {
      return number;
    }
    --found->second;
  }
  return 0;
}

/// The first surplus event of the same place as `place`.
EventNumber counterpart(const Labelled& events, Label place, Counts other) {
  for (EventNumber number = 1; number <= events.last(); ++number) {
    if (!events.counts(number)) {
      continue;
    }
    const auto found = other.find(events.label(number));
    if (found != other.end() && found->second > 0) {
      --found->second;
    } else if (events.place(number) == place) {
      return number;
    }
  }
  return 0;
}

}  // namespace

std::optional<Difference> first_difference(const Trace& left, const Trace& right,
                                           const CompareOptions& options) {
  const Labelled of_left(left, options), of_right(right, options);
  const auto counts_left = counted(of_left), counts_right = counted(of_right);
  Difference difference;
  difference.left = first_surplus(of_left, counts_right);
  if (difference.left != 0) {
    difference.right = counterpart(of_right, of_left.place(difference.left), counts_left);
    return difference;
  }
  difference.right = first_surplus(of_right, counts_left);
  return difference.right != 0 ? std::optional(difference) : std::nullopt;
}

}  // namespace nodezero::runtime::inspect
