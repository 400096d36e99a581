#include "runtime/inspect/compare.hpp"

#include <unordered_map>
#include <vector>

#include <fmt/format.h>

namespace nodezero::runtime::inspect {
namespace {

/// The events of a trace by what they say.
class Labelled {
 public:
  Labelled(const Trace& trace, const CompareOptions& options) : trace_(trace) {
    ignored_.resize(trace.names.size());
    for (std::size_t type = 0; type < trace.names.size(); ++type) {
      ignored_[type] = options.ignored_types.contains(trace.names[type].text);
    }
    // A replaced actor has the name of the one before: they are told apart by their order.
    std::unordered_map<std::string, std::uint32_t> times;
    for (std::uint32_t actor = 0; actor < trace.actors.size(); ++actor) {
      const bool any = actor > 0 && options.interchangeable.contains(trace.actors[actor].name);
      const auto name = any ? trace.actors[actor].name : trace.actor_name(actor);
      actors_.push_back(any ? name : fmt::format("{}/{}", name, ++times[name]));
    }
  }

  bool counts(EventNumber number) const {
    const Event& event = trace_.event(number);
    return !ignored_[event.type];
  }

  /// Without the payload: who, what, with whom.
  std::string place(EventNumber number) const {
    const Event& event = trace_.event(number);
    // What an end says beside its result, its begin has said.
    return fmt::format("{}|{}|{}|{}|{}", actors_[event.actor], static_cast<int>(event.kind),
                       trace_.name(event.type),
                       event.peer < actors_.size() ? actors_[event.peer] : "",
                       event.kind == Kind::end ? event.detail : 0);
  }

  std::string label(EventNumber number) const {
    const auto words = trace_.payload(trace_.event(number));
    std::string text = place(number);
    text.append(reinterpret_cast<const char*>(words.data()), words.size_bytes());
    return text;
  }

  EventNumber last() const { return static_cast<EventNumber>(trace_.events.size()); }

 private:
  const Trace& trace_;
  std::vector<bool> ignored_;
  std::vector<std::string> actors_;
};

/// How often each label occurs.
std::unordered_map<std::string, std::size_t> counted(const Labelled& events) {
  std::unordered_map<std::string, std::size_t> counts;
  for (EventNumber number = 1; number <= events.last(); ++number) {
    if (events.counts(number)) {
      ++counts[events.label(number)];
    }
  }
  return counts;
}

/// The first event that occurs more often than in the other trace: it is in a causal order.
EventNumber first_surplus(const Labelled& events,
                          std::unordered_map<std::string, std::size_t> other) {
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
EventNumber counterpart(const Labelled& events, const std::string& place,
                        std::unordered_map<std::string, std::size_t> other) {
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
