// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/sampling.hpp"

#include <algorithm>
#include <functional>
#include <limits>
#include <map>
#include <unordered_map>

#include "verify/explore/cpu_time.hpp"
#include "verify/explore/draws.hpp"

namespace nodezero::verify::explore {
namespace {

/// A choice by its index, and how probable it was.
struct Picked {
  std::size_t index;
  double probability;
};
using Pick = std::function<Picked(std::span<const Choice>)>;

/// Gives each link a speed of 1, 1/2, 1/4... 1/128, so that some are late by far. What is there
/// from the beginning, such as a request to stop, gets another factor, down to 1/32768, and so do
/// all faults together, of which a large run has one for each sphere: among many steps what may
/// come at any moment would else nearly always come early.
class Rates {
 public:
  Rates(std::uint64_t seed, std::uint64_t schedule, const Network& network)
      : draws_(seed, schedule), network_(network), of_faults_(draws_.below(16)) {}

  Picked pick(std::span<const Choice> choices) {
    const bool is_beginning = rates_.empty();
    weights_.clear();
    std::size_t total = 0;
    for (const auto& choice : choices) {
      const auto [place, is_new] = rates_.try_emplace(choice.packed(), 0);
      if (is_new) {
        const bool is_fault = !choice.is_delivery() || network_.is_optional(choice);
        const std::size_t slower =
            draws_.below(8) + (is_beginning ? draws_.below(16) : 0) + (is_fault ? of_faults_ : 0);
        place->second = std::max<std::size_t>(fastest >> slower, 1);
      }
      weights_.push_back(place->second);
      total += place->second;
    }
    std::size_t at = draws_.below(total);
    std::size_t index = 0;
    while (at >= weights_[index]) {
      at -= weights_[index++];
    }
    return {index, static_cast<double>(weights_[index]) / static_cast<double>(total)};
  }

 private:
  static constexpr std::size_t fastest = std::size_t{1} << 22U;
  Draws draws_;
  const Network& network_;
  std::size_t of_faults_;
  std::unordered_map<std::uint32_t, std::size_t> rates_;
  std::vector<std::size_t> weights_;
};

/// Runs schedules; `begin` gives what picks the steps of schedule k.
Report sample(Run& run, const Bounds& bounds, const std::function<Pick(std::uint64_t)>& begin) {
  Report report;
  auto& network = run.network();
  network.fingerprints = false;
  const double start = cpu_seconds();
  const std::uint64_t deliveries = network.deliveries();
  while (report.schedules < bounds.schedules && report.cpu_seconds < bounds.cpu_seconds) {
    run.restart();
    ++report.runs;
    network.observe = [&](const Delivery& delivery) { report.coverage.note(network, delivery); };
    const Pick pick = begin(report.schedules);
    std::vector<Choice> schedule;
    double orders = 1;
    while (!run.at_end()) {
      const auto choices = run.choices();
      const auto [index, probability] = pick(choices);
      schedule.push_back(choices[index]);
      orders = std::min(orders / probability, std::numeric_limits<double>::max());
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
    report.cpu_seconds = cpu_seconds() - start;
  }
  report.cpu_seconds = cpu_seconds() - start;
  report.deliveries = network.deliveries() - deliveries;
  network.observe = nullptr;
  return report;
}

}  // namespace

Report explore_randomly(Run& run, const Bounds& bounds, std::uint64_t seed) {
  return sample(run, bounds, [seed, &run](std::uint64_t schedule) -> Pick {
    if (schedule % 2 == 0) {
      return [draws = Draws(seed, schedule)](std::span<const Choice> choices) mutable {
        return Picked{draws.below(choices.size()), 1.0 / static_cast<double>(choices.size())};
      };
    }
    return [rates = Rates(seed, schedule, run.network())](std::span<const Choice> choices) mutable {
      return rates.pick(choices);
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
      return Picked{best, 1.0 / static_cast<double>(choices.size())};
    };
  });
}

}  // namespace nodezero::verify::explore
