// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "verify/explore/run.hpp"

namespace nodezero::verify::explore {

/// A schedule after which a rule is broken.
struct Counterexample {
  std::string rule;
  std::vector<Choice> schedule;
};

/// Which message types met which states of which actors.
class Coverage {
 public:
  /// To be called before a delivery is made.
  void note(const Network& network, const Delivery& delivery);
  /// Adds what another exploration met.
  void add(const Coverage& other);

  struct Pair {
    std::string actor;
    std::string state;
    std::string message;
    friend auto operator<=>(const Pair&, const Pair&) = default;
  };
  /// All pairs that met, and how often.
  std::map<Pair, std::uint64_t> met() const;
  /// Pairs of a state that an actor was in and a message that it got in another state.
  std::set<Pair> unmet() const;

 private:
  // Names are literals, so that their addresses tell them apart.
  std::map<std::tuple<const void*, const void*, const void*>, std::uint64_t> counts_;
};

/// The name of a message's type without its namespace.
std::string type_name(const std::type_info& type);

/// What an exploration did.
struct Report {
  std::uint64_t runs = 0;        ///< from the start, whole or not
  std::uint64_t schedules = 0;   ///< complete runs
  std::uint64_t states = 0;      ///< different ones; 0 if they were not told apart
  std::uint64_t ends = 0;        ///< states in which runs were over; 0: as well
  std::uint64_t steps = 0;       ///< those of replays included
  std::uint64_t deliveries = 0;  ///< as well, with those in place
  std::uint64_t longest = 0;     ///< steps of a run
  double orders = 0;             ///< schedules that the states stand for, or an estimate of all
  bool complete = false;         ///< all that there is was covered
  bool returns = false;          ///< a run can come back to where it was
  double cpu_seconds = 0;
  std::optional<Counterexample> counterexample;
  Coverage coverage;
};

/// Where an exploration stops although there is more.
struct Bounds {
  std::uint64_t schedules = ~std::uint64_t{0};
  std::uint64_t states = ~std::uint64_t{0};
  double cpu_seconds = 1e18;
};

}  // namespace nodezero::verify::explore
