// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <iterator>

#include "verify/explore/cpu_time.hpp"
#include "verify/explore/exhaustive.hpp"

namespace nodezero::verify::explore {
namespace {

/// Which events of a schedule happen before one, as bits by index.
class Past {
 public:
  void add(std::size_t event) {
    grow(event / 64 + 1);
    words_[event / 64] |= std::uint64_t{1} << event % 64;
  }
  void add(const Past& other) {
    grow(other.words_.size());
    for (std::size_t i = 0; i < other.words_.size(); ++i) {
      words_[i] |= other.words_[i];
    }
  }
  void add_all(std::size_t events) {
    grow(events / 64 + 1);
    for (std::size_t i = 0; i <= events / 64; ++i) {
      words_[i] = ~std::uint64_t{0};
    }
    words_[events / 64] = (std::uint64_t{1} << events % 64) - 1;
  }
  bool has(std::size_t event) const {
    return event / 64 < words_.size() && (words_[event / 64] >> event % 64 & 1U) != 0;
  }

 private:
  void grow(std::size_t words) { words_.resize(std::max(words_.size(), words)); }
  std::vector<std::uint64_t> words_;
};

constexpr std::size_t none = ~std::size_t{0};

struct Event {
  Choice choice;
  std::size_t sender_event = none;  ///< that sent its message
  bool is_global = false;           ///< its order with all others matters
  std::uint32_t message = 0;        ///< the network's number of it; 0: none
  Past past;                        ///< itself included
};

/// A step that was followed before, or is covered by what was.
struct Asleep {
  Choice choice;
  bool is_global = false;
};

/// A state on the present path.
struct Point {
  std::vector<Choice> possible;
  std::vector<Choice> to_follow;  ///< grows while what is below is walked through
  std::vector<Asleep> asleep;
  bool is_asleep(const Choice& choice) const {
    return std::ranges::find(asleep, choice, &Asleep::choice) != asleep.end();
  }
};

bool contains(const std::vector<Choice>& choices, const Choice& choice) {
  return std::ranges::find(choices, choice) != choices.end();
}

class Walk {
 public:
  Walk(Run& run, const Bounds& bounds, bool all_dependent)
      : run_(run), bounds_(bounds), all_dependent_(all_dependent) {}

  Report go() {
    const double begin = cpu_seconds();
    const std::uint64_t deliveries = run_.network().deliveries();
    do {
      replay();
      extend();
      report_.cpu_seconds = cpu_seconds() - begin;
    } while (!report_.counterexample && report_.schedules < bounds_.schedules &&
             report_.cpu_seconds < bounds_.cpu_seconds && backtrack());
    report_.deliveries = run_.network().deliveries() - deliveries;
    report_.complete = points_.empty();
    report_.orders = static_cast<double>(report_.schedules);
    return report_;
  }

 private:
  void replay() {
    run_.restart();
    ++report_.runs;
    sent_by_.clear();
    const auto path = std::move(events_);
    events_.clear();
    note_sent(none);
    for (const auto& event : path) {
      execute(event.choice);
    }
  }

  void extend() {
    if (!points_.empty()) {
      // The last point's next choice was put there by backtrack.
      execute(next_);
      reverse_races();
    }
    while (true) {
      if (!run_.violation().empty()) {
        report_.counterexample = Counterexample{run_.violation(), {}};
        for (const auto& event : events_) {
          report_.counterexample->schedule.push_back(event.choice);
        }
        return;
      }
      if (run_.over()) {
        ++report_.schedules;
        report_.longest = std::max(report_.longest, run_.steps());
        return;
      }
      const auto all = run_.choices();
      Point point{{all.begin(), all.end()}, {}, {}};
      if (!points_.empty() && !events_.back().is_global) {
        // What slept before a step that it is independent of still sleeps.
        for (const auto& asleep : points_.back().asleep) {
          if (!asleep.is_global && asleep.choice.receiver != events_.back().choice.receiver) {
            point.asleep.push_back(asleep);
          }
        }
      }
      const auto first = std::ranges::find_if(
          point.possible, [&](const Choice& choice) { return !point.is_asleep(choice); });
      if (first == point.possible.end()) {
        return;  // all of it has been walked through in another order
      }
      point.to_follow.push_back(*first);
      // What may go wrong is a choice of its own; no step would ever race with it.
      std::ranges::copy_if(
          point.possible, std::back_inserter(point.to_follow),
          [&](const Choice& choice) { return choice != *first && is_fault(choice); });
      points_.push_back(std::move(point));
      execute(points_.back().to_follow.front());
      reverse_races();
    }
  }

  bool is_fault(const Choice& choice) const {
    const bool is_time = choice.action == Choice::Action::timer && choice.receiver == 0;
    return choice.is_delivery() ? run_.network().is_optional(choice) : !is_time;
  }

  bool backtrack() {
    while (!points_.empty()) {
      auto& point = points_.back();
      events_.resize(points_.size());
      point.asleep.push_back({events_.back().choice, events_.back().is_global});
      events_.pop_back();
      const auto next = std::ranges::find_if(
          point.to_follow, [&](const Choice& choice) { return !point.is_asleep(choice); });
      if (next != point.to_follow.end()) {
        next_ = *next;
        return true;
      }
      points_.pop_back();
    }
    return false;
  }

  void execute(const Choice& choice) {
    Event event{choice, note_taken(choice), false, 0, {}};
    run_.take(choice);
    event.message = choice.is_delivery() ? run_.network().last_number() : 0;
    ++report_.steps;
    const std::size_t number = events_.size();
    event.is_global = all_dependent_ || !choice.is_delivery() || run_.network().any_left_behind();
    if (event.is_global) {
      event.past.add_all(number);
    } else {
      if (event.sender_event != none) {
        event.past.add(events_[event.sender_event].past);
      }
      if (const std::size_t before = last_dependent(choice); before != none) {
        event.past.add(events_[before].past);
      }
    }
    event.past.add(number);
    events_.push_back(std::move(event));
    note_sent(number);
  }

  /// The last event whose order with a delivery matters; those before it are in its past.
  std::size_t last_dependent(const Choice& choice) const {
    for (std::size_t i = events_.size(); i-- > 0;) {
      if (events_[i].is_global || events_[i].choice.receiver == choice.receiver) {
        return i;
      }
    }
    return none;
  }

  /// Takes the message that a step concerns out of those in flight. @return the event that sent it
  std::size_t note_taken(const Choice& choice) {
    if (choice.action == Choice::Action::timer || choice.action == Choice::Action::kill) {
      return none;
    }
    Choice link = choice;
    if (!choice.is_delivery()) {
      link.action = Choice::Action::deliver;
    }
    // Messages of a link come in order, so that the first that was not handled is this one.
    const auto sent =
        std::ranges::find_if(sent_by_, [&](const auto& entry) { return entry.first == link; });
    const std::size_t by = sent->second;
    if (choice.action == Choice::Action::duplicate) {
      sent_by_.emplace_back(link, events_.size());
      return by;
    }
    sent_by_.erase(sent);
    if (choice.action == Choice::Action::postpone) {
      link.action = Choice::Action::deliver_late;
      sent_by_.emplace_back(link, events_.size());
    }
    return by;
  }

  void note_sent(std::size_t event) {
    if (event == none) {
      for (const auto& link : run_.network().choices()) {
        sent_by_.emplace_back(link, none);
      }
      for (const auto& label : run_.network().queued()) {
        sent_by_.emplace_back(label.link, none);
      }
      return;
    }
    for (const auto& label : run_.network().sent()) {
      sent_by_.emplace_back(label.link, event);
    }
  }

  /// The step before the last one that it depends on could have come after it, unless it caused
  /// its message: then the point before it must also be followed in the other order.
  void reverse_races() {
    const std::size_t last = events_.size() - 1;
    const auto& event = events_[last];
    if (event.choice.action == Choice::Action::timer && event.choice.receiver == 0) {
      return;  // time passes when nothing else can happen
    }
    if (!event.is_global) {
      // With those before it, the race is that of the step in between.
      for (std::size_t other = last; other-- > 0;) {
        if (events_[other].is_global || events_[other].choice.receiver == event.choice.receiver) {
          reverse(other, last);
          return;
        }
      }
      return;
    }
    Past seen;
    for (std::size_t other = last; other-- > 0;) {
      if (!seen.has(other)) {
        reverse(other, last);
        seen.add(events_[other].past);
      }
    }
  }

  void reverse(std::size_t other, std::size_t last) {
    const auto& event = events_[last];
    const bool ordered =
        events_[other].choice == event.choice || event.sender_event == other ||
        (event.message != 0 && events_[other].message != 0 &&
         run_.network().last_needed(events_[other].message)) ||
        (event.sender_event != none && events_[event.sender_event].past.has(other));
    if (!ordered) {
      follow_reversed(other, last);
    }
  }

  void follow_reversed(std::size_t other, std::size_t last) {
    auto& point = points_[other];
    // v: what comes after `other` without needing it, and then the last step. Its initials are
    // those of v that need nothing of v.
    std::vector<std::size_t> v;
    for (std::size_t i = other + 1; i < last; ++i) {
      if (!events_[i].past.has(other)) {
        v.push_back(i);
      }
    }
    std::vector<Choice> initials;
    for (std::size_t k = 0; k < v.size(); ++k) {
      const auto& past = events_[v[k]].past;
      if (std::none_of(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(k),
                       [&](std::size_t i) { return past.has(i); })) {
        initials.push_back(events_[v[k]].choice);
      }
    }
    // The last step's past without the race that is being reversed.
    const auto& event = events_[last];
    const bool needs_nothing =
        event.is_global ? v.empty()
                        : event.sender_event == none || std::ranges::none_of(v, [&](std::size_t i) {
                            return events_[event.sender_event].past.has(i);
                          });
    if (needs_nothing) {
      initials.push_back(event.choice);
    }
    for (const auto& choice : initials) {
      if (contains(point.to_follow, choice)) {
        return;
      }
    }
    if (!initials.empty() && contains(point.possible, initials.back())) {
      point.to_follow.push_back(initials.back());
      return;
    }
    // It could not have come there, so that something else has to come first.
    for (const auto& choice : point.possible) {
      if (!contains(point.to_follow, choice)) {
        point.to_follow.push_back(choice);
      }
    }
  }

  Run& run_;
  const Bounds& bounds_;
  const bool all_dependent_;
  Report report_;
  std::vector<Point> points_;
  std::vector<Event> events_;  ///< those of the points, and one more while it is executed
  std::vector<std::pair<Choice, std::size_t>> sent_by_;  ///< in flight, in order of sending
  Choice next_;
};

}  // namespace

Report explore_classes(Run& run, const Bounds& bounds, bool all_dependent) {
  run.network().fingerprints = false;
  run.network().labels = true;
  return Walk(run, bounds, all_dependent).go();
}

}  // namespace nodezero::verify::explore
