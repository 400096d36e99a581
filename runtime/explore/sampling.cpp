#include "runtime/explore/sampling.hpp"

#include <algorithm>
#include <ctime>
#include <functional>
#include <map>

namespace nodezero::runtime::explore {
namespace {

/// Numbers that depend on their key and their place alone, the same with every compiler.
class Draws {
 public:
  Draws(std::uint64_t seed, std::uint64_t schedule)
      : state_(Fingerprint().add(seed).add(schedule).value()) {}
  std::uint64_t next() { return Fingerprint::mix(state_ += 0x9e3779b97f4a7c15U); }
  /// Below `bound`, evenly but for one part in 2^32.
  std::size_t below(std::size_t bound) { return (next() >> 32U) * bound >> 32U; }

 private:
  std::uint64_t state_;
};

using Pick = std::function<std::size_t(std::span<const Choice>)>;

/// Runs schedules; `begin` gives what picks the steps of schedule k.
Report sample(Run& run, const Bounds& bounds, const std::function<Pick(std::uint64_t)>& begin) {
  Report report;
  auto& network = run.network();
  network.fingerprints = false;
  const std::clock_t start = std::clock();
  const std::uint64_t deliveries = network.deliveries();
  while (report.schedules < bounds.schedules && report.cpu_seconds < bounds.cpu_seconds) {
    run.restart();
    ++report.runs;
    network.observe = [&](const Delivery& delivery) { report.coverage.note(network, delivery); };
    const Pick pick = begin(report.schedules);
    std::vector<Choice> schedule;
    double orders = 1;
    while (!run.over()) {
      const auto choices = run.choices();
      schedule.push_back(choices[pick(choices)]);
      orders *= static_cast<double>(choices.size());
      run.take(schedule.back());
    }
    ++report.schedules;
    report.steps += schedule.size();
    report.longest = std::max<std::uint64_t>(report.longest, schedule.size());
    report.orders += (orders - report.orders) / static_cast<double>(report.schedules);
    if (!run.violation().empty()) {
      report.counterexample = Counterexample{run.violation(), std::move(schedule)};
      break;
    }
    report.cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  }
  report.cpu_seconds = static_cast<double>(std::clock() - start) / CLOCKS_PER_SEC;
  report.deliveries = network.deliveries() - deliveries;
  network.observe = nullptr;
  return report;
}

}  // namespace

Report explore_randomly(Run& run, const Bounds& bounds, std::uint64_t seed) {
  return sample(run, bounds, [seed](std::uint64_t schedule) -> Pick {
    return [draws = Draws(seed, schedule)](std::span<const Choice> choices) mutable {
      return draws.below(choices.size());
    };
  });
}

Report explore_by_priorities(Run& run, const Bounds& bounds, std::uint64_t seed,
                             std::uint32_t depth) {
  std::uint64_t steps = 1;  // of the run before, as a guess for the next
  return sample(run, bounds, [&](std::uint64_t schedule) -> Pick {
    steps = std::max(steps, run.steps());
    Draws draws(seed, schedule);
    std::vector<std::uint64_t> falls;
    for (std::uint32_t i = 1; i < depth; ++i) {
      falls.push_back(draws.below(steps));
    }
    return [&steps, draws, falls, at = std::uint64_t{0}, lowest = std::uint64_t{1} << 32U,
            priorities =
                std::map<std::uint32_t, std::uint64_t>()](std::span<const Choice> choices) mutable {
      const auto priority = [&](const Choice& choice) -> std::uint64_t& {
        const auto [place, is_new] = priorities.try_emplace(choice.packed(), 0);
        if (is_new) {
          place->second = (std::uint64_t{1} << 33U) + (draws.next() >> 32U);
        }
        return place->second;
      };
      std::size_t best = 0;
      for (std::size_t i = 1; i < choices.size(); ++i) {
        if (priority(choices[i]) > priority(choices[best])) {
          best = i;
        }
      }
      if (std::ranges::find(falls, at) != falls.end()) {
        priority(choices[best]) = --lowest;
      }
      steps = std::max(steps, ++at);
      return best;
    };
  });
}

}  // namespace nodezero::runtime::explore
