// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace nodezero::explore {

/// How the orders of messages are walked through.
enum class Search {
  /// `states` if every actor and every message has a fingerprint, else `orders`.
  automatic,
  /// Every state once: two orders that lead to equal fingerprints everywhere are one. Complete.
  states,
  /// Every order of the steps whose order matters: dynamic partial-order reduction, in which steps
  /// of
  /// different actors are independent. Needs no fingerprints. Complete.
  orders,
  /// Orders drawn at random.
  random,
  /// Probabilistic concurrency testing: links have priorities, which change at a few random
  /// moments.
  priorities,
};

/// What may go wrong in a run beside the order of messages.
struct Faults {
  std::uint32_t most = 0;       ///< of all faults together in one run; 0: none
  bool lost = false;            ///< a message never comes
  bool duplicated = false;      ///< a message comes twice
  bool late = false;            ///< a message is overtaken by those sent behind it
  bool early_timeouts = false;  ///< a timeout comes although messages are on their way
  bool late_timeouts = false;   ///< a timeout comes after one that is due later
  bool deaths = false;          ///< an actor ends (World::may_die)
};

struct Options {
  Search search = Search::automatic;
  std::uint64_t seed = 1;     ///< of random and priorities
  std::uint32_t changes = 2;  ///< of priorities in one run
  Faults faults;
  /// The actors run on different machines: only messages of one actor to another stay in order.
  /// Otherwise they run in one process, where a message also comes after all those to the same
  /// actor that were sent before it, by whomever, as long as they led to it.
  bool network = false;
  /// For actors that share memory: the order of all steps matters, also of different actors. There
  /// is no reduction then, and fingerprints must cover what is shared (World::remember).
  bool all_dependent = false;

  // Where an exploration stops although there is more. Result::complete says whether it did.
  std::uint64_t schedules = 1'000'000;
  std::uint64_t states = 10'000'000;
  double cpu_seconds = 60;
  std::uint64_t steps = 10'000;                              ///< of one run, which is cut off there
  std::chrono::nanoseconds time = std::chrono::minutes(10);  ///< virtual, of one run, as well

  /// Follows this schedule, the `schedule` of a Result, and explores nothing else.
  std::string replay;
  /// A file to record the messages of a counterexample in, which `nodezero trace` opens.
  std::string trace_file;
};

/// The options that follow one schedule.
inline Options replay(std::string schedule) {
  Options options;
  options.replay = std::move(schedule);
  return options;
}

}  // namespace nodezero::explore
