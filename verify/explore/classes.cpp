// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <stdexcept>

#include "verify/explore/cpu_time.hpp"
#include "verify/explore/exhaustive.hpp"

namespace nodezero::explore {
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
  bool has(std::size_t event) const {
    return event / 64 < words_.size() && (words_[event / 64] >> event % 64 & 1U) != 0;
  }

 private:
  void grow(std::size_t words) { words_.resize(std::max(words_.size(), words)); }
  std::vector<std::uint64_t> words_;
};

constexpr std::size_t none = ~std::size_t{0};

struct Event {
  Choice link;
  std::size_t sender_event = none;  ///< that sent its message
  Past past;                        ///< itself included
};

/// A state on the present path.
struct Point {
  std::vector<Choice> possible;
  std::vector<Choice> to_follow;  ///< grows while what is below is walked through
  std::vector<Choice> asleep;     ///< followed before, or covered by what was
};

bool contains(const std::vector<Choice>& choices, const Choice& choice) {
  return std::ranges::find(choices, choice) != choices.end();
}

class Walk {
 public:
  Walk(Run& run, const Bounds& bounds) : run_(run), bounds_(bounds) {}

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
      execute(event.link);
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
          report_.counterexample->schedule.push_back(event.link);
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
      if (!points_.empty()) {
        // What slept before a step of another actor still sleeps.
        for (const auto& choice : points_.back().asleep) {
          if (choice.receiver != events_.back().link.receiver) {
            point.asleep.push_back(choice);
          }
        }
      }
      const auto first = std::ranges::find_if(
          point.possible, [&](const Choice& choice) { return !contains(point.asleep, choice); });
      if (first == point.possible.end()) {
        return;  // all of it has been walked through in another order
      }
      point.to_follow.push_back(*first);
      points_.push_back(point);
      execute(points_.back().to_follow.front());
      reverse_races();
    }
  }

  bool backtrack() {
    while (!points_.empty()) {
      auto& point = points_.back();
      events_.resize(points_.size());
      point.asleep.push_back(events_.back().link);
      events_.pop_back();
      const auto next = std::ranges::find_if(
          point.to_follow, [&](const Choice& choice) { return !contains(point.asleep, choice); });
      if (next != point.to_follow.end()) {
        next_ = *next;
        return true;
      }
      points_.pop_back();
    }
    return false;
  }

  void execute(const Choice& link) {
    if (link.action != Choice::Action::deliver) {
      throw std::logic_error("classes of schedules are counted without faults");
    }
    Event event{link, none, {}};
    // Messages of a link come in order, so that the first that was not handled is this one.
    const auto sent =
        std::ranges::find_if(sent_by_, [&](const auto& entry) { return entry.first == link; });
    event.sender_event = sent->second;
    sent_by_.erase(sent);
    if (event.sender_event != none) {
      event.past.add(events_[event.sender_event].past);
    }
    for (std::size_t i = events_.size(); i-- > 0;) {
      if (events_[i].link.receiver == link.receiver) {
        event.past.add(events_[i].past);
        break;
      }
    }
    event.past.add(events_.size());
    events_.push_back(std::move(event));
    run_.take(link);
    ++report_.steps;
    note_sent(events_.size() - 1);
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

  /// The step before the last one at the same actor could have come after it, unless it caused
  /// its message: then the point before it must also be followed in the other order.
  void reverse_races() {
    const std::size_t last = events_.size() - 1;
    const auto& event = events_[last];
    for (std::size_t other = last; other-- > 0;) {
      if (events_[other].link.receiver != event.link.receiver) {
        continue;
      }
      const bool ordered =
          events_[other].link == event.link ||
          (event.sender_event != none && events_[event.sender_event].past.has(other));
      if (!ordered) {
        follow_reversed(other, last);
      }
      return;  // with those before it, the race is that of the step in between
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
    const auto needs_nothing = [&](const Past& past) {
      return std::ranges::none_of(v, [&](std::size_t i) { return past.has(i); });
    };
    for (std::size_t k = 0; k < v.size(); ++k) {
      const auto& past = events_[v[k]].past;
      if (std::none_of(v.begin(), v.begin() + static_cast<std::ptrdiff_t>(k),
                       [&](std::size_t i) { return past.has(i); })) {
        initials.push_back(events_[v[k]].link);
      }
    }
    // The last step's past without the race that is being reversed.
    Past past;
    if (events_[last].sender_event != none) {
      past.add(events_[events_[last].sender_event].past);
    }
    if (needs_nothing(past)) {
      initials.push_back(events_[last].link);
    }
    for (const auto& choice : initials) {
      if (contains(point.to_follow, choice)) {
        return;
      }
    }
    point.to_follow.push_back(initials.back());
  }

  Run& run_;
  const Bounds& bounds_;
  Report report_;
  std::vector<Point> points_;
  std::vector<Event> events_;  ///< those of the points, and one more while it is executed
  std::vector<std::pair<Choice, std::size_t>> sent_by_;  ///< in flight, in order of sending
  Choice next_;
};

}  // namespace

Report explore_classes(Run& run, const Bounds& bounds) {
  run.network().fingerprints = true;  // for what is sent
  return Walk(run, bounds).go();
}

}  // namespace nodezero::explore
