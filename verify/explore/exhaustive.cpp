// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/exhaustive.hpp"

#include <algorithm>
#include <optional>
#include <unordered_map>

#include "verify/explore/cpu_time.hpp"
#include "verify/explore/reduction.hpp"

namespace nodezero::verify::explore {
namespace {

/// Fingerprints are evenly spread already.
struct Same {
  std::size_t operator()(std::uint64_t value) const { return value; }
};

/// Where a step led: the step by what is the same on every path to its state.
struct Edge {
  std::uint64_t step = 0;
  std::uint64_t target = 0;
};

/// A state on the present path.
struct Frame {
  std::uint64_t state = 0;
  std::vector<Choice> choices;  ///< to be followed
  std::size_t next = 0;         ///< index of the choice that the present path takes
  double orders = 0;            ///< below the choices before it
  Reduction::View view;
  std::uint64_t knowledge = 0;  ///< of the reduction, when it chose
  std::vector<Edge> edges;      ///< of the choices before `next`
};

/// A state that was met. Its edges lie one behind the other.
struct Known {
  double orders = 0;  ///< below it; or on_path
  std::uint32_t edges = 0;
  std::uint64_t first_edge = 0;
};

/// A depth-first search of one scenario.
class Search {
 public:
  Search(Run& run, const Bounds& bounds, bool reduced, bool may_return)
      : run_(run), bounds_(bounds), may_return_(may_return) {
    if (reduced) {
      reduction_.emplace();
    }
  }

  Report go() {
    const double begin = cpu_seconds();
    const std::uint64_t deliveries = run_.network().deliveries();
    do {
      replay();
      extend();
      report_.cpu_seconds = cpu_seconds() - begin;
    } while (!report_.counterexample && within() && backtrack());
    report_.deliveries = run_.network().deliveries() - deliveries;
    report_.states = visited_.size();
    report_.complete = path_.empty();
    report_.orders = root_orders_;
    return std::move(report_);
  }

 private:
  static constexpr double on_path = -1;

  bool within() const {
    return report_.schedules < bounds_.schedules && visited_.size() < bounds_.states &&
           report_.cpu_seconds < bounds_.cpu_seconds;
  }

  void replay() {
    run_.restart();
    ++report_.runs;
    for (const auto& frame : path_) {
      if (&frame == &path_.back()) {
        step(path_.back());
      } else {
        run_.take(frame.choices[frame.next]);
        ++report_.steps;
      }
    }
  }

  /// Makes the step of the path's last state, which is a new one.
  void step(const Frame& frame) {
    auto& network = run_.network();
    network.observe = [&](const Delivery& delivery) { report_.coverage.note(network, delivery); };
    const Choice& choice = frame.choices[frame.next];
    run_.take(choice);
    network.observe = nullptr;
    ++report_.steps;
    if (reduction_ && choice.is_delivery()) {
      reduction_->learn(frame.view, choice, run_, network);
    }
  }

  /// Goes on from the end of the path until the run is over or a known state is met.
  void extend() {
    while (true) {
      if (!run_.violation().empty()) {
        fail(run_.violation());
        return;
      }
      if (run_.at_end()) {
        ++report_.schedules;
        report_.longest = std::max(report_.longest, run_.steps());
      }
      const std::uint64_t state = run_.fingerprint();
      const auto [known, is_new] =
          visited_.try_emplace(state, Known{run_.over() ? 1 : on_path, 0, 0});
      if (is_new && run_.at_end()) {
        ++report_.ends;
      }
      if (!is_new && known->second.orders == on_path) {
        report_.returns = true;
        if (may_return_) {
          led_to(state, 0);
          return;
        }
        fail("the run can come back to where it was, so that it need not end");
        return;
      }
      if (!is_new || run_.over()) {
        led_to(state, known->second.orders);
        return;
      }
      enter(state);
      if (!find_next()) {
        return;
      }
      step(path_.back());
    }
  }

  void enter(std::uint64_t state) {
    Frame frame;
    frame.state = state;
    frame.orders = run_.at_end() ? 1 : 0;
    if (reduction_) {
      frame.view = reduction_->look(run_, run_.network());
      frame.choices = reduction_->select(frame.view);
      frame.knowledge = reduction_->knowledge();
    } else {
      const auto all = run_.choices();
      frame.choices.assign(all.begin(), all.end());
    }
    path_.push_back(std::move(frame));
  }

  /// To the next choice that was not taken; false if there is none.
  bool backtrack() {
    while (!path_.empty()) {
      auto& last = path_.back();
      last.next += last.next < last.choices.size() ? 1 : 0;
      if (find_next()) {
        return true;
      }
      auto& known = visited_[last.state];
      known.orders = last.orders;
      if (reduction_) {
        known.first_edge = edges_.size();
        known.edges = static_cast<std::uint32_t>(last.edges.size());
        edges_.insert(edges_.end(), last.edges.begin(), last.edges.end());
      }
      const std::uint64_t state = last.state;
      const double orders = last.orders;
      path_.pop_back();
      led_to(state, orders);
    }
    return false;
  }

  /// To the first choice of the path's last state from `next` on whose end is not known; false if
  /// there is none, and there need not be more choices either.
  bool find_next() {
    auto& frame = path_.back();
    do {
      for (; frame.next < frame.choices.size(); ++frame.next) {
        const auto target = known_target(frame.choices[frame.next]);
        if (!target) {
          return true;
        }
        led_to(*target, visited_.at(*target).orders);
      }
    } while (choose_again(frame));
    return false;
  }

  /// What was learned below a state may make more choices necessary.
  static bool add_new(std::vector<Choice>& choices, const std::vector<Choice>& more) {
    const std::size_t before = choices.size();
    for (const auto& choice : more) {
      if (std::find(choices.begin(), choices.end(), choice) == choices.end()) {
        choices.push_back(choice);
      }
    }
    return choices.size() > before;
  }
  bool choose_again(Frame& frame) {
    if (!reduction_ || frame.choices.size() == frame.view.steps.size() ||
        frame.knowledge == reduction_->knowledge()) {
      return false;
    }
    frame.knowledge = reduction_->knowledge();
    // Those that were chosen first are of one actor.
    return !reduction_->is_enough(frame.view, frame.choices.front().receiver) &&
           add_new(frame.choices, reduction_->select(frame.view));
  }

  /// Where a choice leads, if that is known: if it was possible a step before and the two commute,
  /// they were taken in the other order.
  std::optional<std::uint64_t> known_target(const Choice& choice) {
    if (!reduction_ || path_.size() < 2) {
      return std::nullopt;
    }
    const auto& before = path_[path_.size() - 2];
    const Choice& last = before.choices[before.next];
    const auto aside = find(before.edges.data(), before.edges.size(), key(choice));
    if (!aside || !reduction_->commute(before.view, choice, last)) {
      return std::nullopt;
    }
    const auto& known = visited_.at(*aside);
    return find(edges_.data() + known.first_edge, known.edges, key(last));
  }

  static std::optional<std::uint64_t> find(const Edge* edges, std::size_t count,
                                           std::uint64_t step) {
    for (std::size_t i = 0; i < count; ++i) {
      if (edges[i].step == step) {
        return edges[i].target;
      }
    }
    return std::nullopt;
  }

  std::uint64_t key(const Choice& choice) {
    return Fingerprint()
        .add(run_.network().link_key(choice))
        .add(static_cast<std::uint64_t>(choice.action))
        .value();
  }

  /// The path's last choice led to a state with so many orders below it.
  void led_to(std::uint64_t state, double orders) {
    if (path_.empty()) {
      root_orders_ += orders;
      return;
    }
    auto& frame = path_.back();
    frame.orders += orders;
    if (reduction_) {
      frame.edges.push_back({key(frame.choices[frame.next]), state});
    }
  }

  void fail(std::string rule) {
    Counterexample found{std::move(rule), {}};
    for (const auto& frame : path_) {
      found.schedule.push_back(frame.choices[frame.next]);
    }
    report_.counterexample = std::move(found);
  }

  Run& run_;
  const Bounds& bounds_;
  const bool may_return_;
  std::optional<Reduction> reduction_;
  Report report_;
  std::vector<Frame> path_;
  std::unordered_map<std::uint64_t, Known, Same> visited_;
  std::vector<Edge> edges_;
  double root_orders_ = 0;
};

}  // namespace

Report explore_all(Run& run, const Bounds& bounds, bool reduced, bool may_return) {
  run.network().fingerprints = true;
  return Search(run, bounds, reduced, may_return).go();
}

}  // namespace nodezero::verify::explore
