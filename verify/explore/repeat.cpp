// SPDX-License-Identifier: BSD-3-Clause
#include "verify/explore/repeat.hpp"

#include <memory>

#include <fmt/format.h>

#include "verify/explore/cpu_time.hpp"
#include "verify/explore/draws.hpp"

namespace nodezero::verify::explore {
namespace {

/// Holds blocks of the sizes that actors and messages have, with gaps between them.
class Ballast {
 public:
  explicit Ballast(std::uint64_t number) {
    Draws draws(0xba11a57, number);
    for (int i = 0; i < 2000; ++i) {
      blocks_.push_back(std::make_unique<char[]>(16 + draws.below(1024)));
    }
    for (auto& block : blocks_) {
      if (draws.below(3) == 0) {
        block.reset();
      }
    }
  }

 private:
  std::vector<std::unique_ptr<char[]>> blocks_;
};

/// The state after each step, part by part.
using History = std::vector<std::vector<Network::Part>>;

std::string in_words(const Network& network, const Network::Part& part) {
  if (part.is_actor) {
    return fmt::format("the state of {} {}", network.name(part.link.receiver), part.link.receiver);
  }
  return fmt::format("what is on its way from {} {} to {} {}", network.name(part.link.sender),
                     part.link.sender, network.name(part.link.receiver), part.link.receiver);
}

std::string first_difference(const Network& network, const std::vector<Network::Part>& before,
                             const std::vector<Network::Part>& now) {
  for (std::size_t i = 0; i < now.size(); ++i) {
    if (i >= before.size() || before[i] != now[i]) {
      return in_words(network, now[i]);
    }
  }
  return before.size() > now.size() ? "something that was on its way before is not" : "";
}

}  // namespace

std::optional<Departure> find_departure(Run& run, const std::vector<Choice>& steps,
                                        std::uint32_t times) {
  auto& network = run.network();
  network.fingerprints = true;
  History history;
  for (std::uint32_t time = 0; time < times; ++time) {
    const Ballast ballast(time);
    run.restart();
    for (std::size_t step = 0; step <= steps.size(); ++step) {
      if (step > 0) {
        if (!run.is_possible(steps[step - 1])) {
          return Departure{step - 1, "which steps are possible"};
        }
        run.take(steps[step - 1]);
      }
      auto parts = network.parts();
      if (time == 0) {
        history.push_back(std::move(parts));
      } else if (auto what = first_difference(network, history[step], parts); !what.empty()) {
        return Departure{step, std::move(what)};
      }
    }
  }
  return std::nullopt;
}

Report explore_twice(Run& run, const Bounds& bounds, std::uint64_t seed) {
  Report report;
  auto& network = run.network();
  const double start = cpu_seconds();
  const std::uint64_t deliveries = network.deliveries();
  while (report.schedules < bounds.schedules && report.cpu_seconds < bounds.cpu_seconds &&
         !report.counterexample) {
    network.fingerprints = false;
    run.restart();
    Draws draws(seed, report.schedules);
    std::vector<Choice> steps;
    network.observe = [&](const Delivery& delivery) { report.coverage.note(network, delivery); };
    while (!run.at_end()) {
      const auto choices = run.choices();
      steps.push_back(choices[draws.below(choices.size())]);
      run.take(steps.back());
    }
    network.observe = nullptr;
    ++report.schedules;
    report.runs += 3;
    report.steps += 3 * steps.size();
    report.longest = std::max<std::uint64_t>(report.longest, steps.size());
    if (!run.violation().empty()) {
      report.counterexample = Counterexample{run.violation(), steps};
    } else if (const auto found = find_departure(run, steps, 2)) {
      steps.resize(found->step);
      report.counterexample =
          Counterexample{fmt::format("the same {} steps led elsewhere the second time: {} differs",
                                     found->step, found->what),
                         std::move(steps)};
    }
    report.cpu_seconds = cpu_seconds() - start;
  }
  report.deliveries = network.deliveries() - deliveries;
  return report;
}

}  // namespace nodezero::verify::explore
