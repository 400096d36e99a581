#include "runtime/explore/exhaustive.hpp"

#include <unordered_map>

#include "runtime/explore/cpu_time.hpp"
#include "runtime/explore/reduction.hpp"

namespace nodezero::runtime::explore {
namespace {

/// Fingerprints are evenly spread already.
struct Same {
  std::size_t operator()(std::uint64_t value) const { return value; }
};

struct Frame {
  std::uint64_t state = 0;
  std::vector<Choice> choices;
  std::size_t next = 0;  ///< index of the choice that the present path takes
  double orders = 0;     ///< below the choices before it
};

/// A depth-first search of one scenario.
class Search {
 public:
  Search(Run& run, const Bounds& bounds, Reduction* reduction, Coverage& coverage)
      : run_(run), bounds_(bounds), reduction_(reduction), coverage_(coverage) {}

  void go(Report& report) {
    const double begin = cpu_seconds();
    const std::uint64_t deliveries = run_.network().deliveries();
    report.complete = false;
    do {
      replay(report);
      extend(report);
      report.cpu_seconds = cpu_seconds() - begin;
    } while (!report.counterexample && within(report) && backtrack());
    report.deliveries = run_.network().deliveries() - deliveries;
    report.states = visited_.size();
    report.complete = path_.empty();
    report.orders = root_orders_;
  }

 private:
  static constexpr double on_path = -1;

  bool within(const Report& report) const {
    return report.schedules < bounds_.schedules && visited_.size() < bounds_.states &&
           report.cpu_seconds < bounds_.cpu_seconds;
  }

  void replay(Report& report) {
    run_.network().observe = nullptr;
    run_.restart();
    ++report.runs;
    for (const auto& frame : path_) {
      step(frame.choices[frame.next], report, &frame == &path_.back());
    }
  }

  void step(const Choice& choice, Report& report, bool is_new) {
    auto& network = run_.network();
    if (is_new) {
      network.observe = [&](const Delivery& delivery) { coverage_.note(network, delivery); };
    }
    const bool learns = is_new && reduction_ && choice.action == Choice::Action::deliver;
    const auto cause = learns ? network.label(choice) : Network::Label{};
    run_.take(choice);
    if (learns) {
      reduction_->learn(cause, network);
    }
    network.observe = nullptr;
    ++report.steps;
  }

  /// Goes on from the end of the path until the run is over or a known state is met.
  void extend(Report& report) {
    while (true) {
      if (!run_.violation().empty()) {
        fail(report, run_.violation());
        return;
      }
      if (run_.at_end()) {
        ++report.schedules;
        report.longest = std::max(report.longest, run_.steps());
      }
      const std::uint64_t state = run_.fingerprint();
      const auto [known, is_new] = visited_.try_emplace(state, run_.over() ? 1 : on_path);
      if (is_new && run_.at_end()) {
        ++report.ends;
      }
      if (!is_new && known->second == on_path) {
        fail(report, "the run can come back to where it was, so that it need not end");
        return;
      }
      if (!is_new || run_.over()) {
        add_orders(known->second);
        return;
      }
      const auto all = run_.choices();
      path_.push_back({state,
                       reduction_ ? reduction_->select(run_, run_.network())
                                  : std::vector<Choice>(all.begin(), all.end()),
                       0, run_.at_end() ? 1.0 : 0.0});
      step(path_.back().choices.front(), report, true);
    }
  }

  /// To the next choice that was not taken; false if there is none.
  bool backtrack() {
    while (!path_.empty()) {
      auto& last = path_.back();
      if (++last.next < last.choices.size()) {
        return true;
      }
      const double orders = last.orders;
      visited_[last.state] = orders;
      path_.pop_back();
      add_orders(orders);
    }
    return false;
  }

  void add_orders(double orders) { (path_.empty() ? root_orders_ : path_.back().orders) += orders; }

  void fail(Report& report, std::string rule) {
    Counterexample found{std::move(rule), {}};
    for (const auto& frame : path_) {
      found.schedule.push_back(frame.choices[frame.next]);
    }
    report.counterexample = std::move(found);
  }

  Run& run_;
  const Bounds& bounds_;
  Reduction* reduction_;
  Coverage& coverage_;
  std::vector<Frame> path_;
  std::unordered_map<std::uint64_t, double, Same> visited_;  ///< orders below, or on_path
  double root_orders_ = 0;
};

}  // namespace

Report explore_all(Run& run, const Bounds& bounds, bool reduced) {
  run.network().fingerprints = true;
  Report report;
  Reduction reduction;
  do {
    report.schedules = report.ends = 0;
    Search(run, bounds, reduced ? &reduction : nullptr, report.coverage).go(report);
  } while (reduced && reduction.take_news() > 0 && report.complete);
  return report;
}

}  // namespace nodezero::runtime::explore
