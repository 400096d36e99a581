// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "verify/explore/scenario.hpp"

namespace nodezero::verify::explore {

/// One run of a scenario at a time, step by step: what may happen next, and whether anything
/// that happened broke a rule.
class Run {
 public:
  Run(caf::actor_system& system, Scenario& scenario, Faults faults);
  ~Run();
  Run(const Run&) = delete;
  Run& operator=(const Run&) = delete;

  /// Begins again.
  void restart();

  /// The next steps that are possible; none if the run is over.
  std::span<const Choice> choices() const { return choices_; }
  bool is_possible(const Choice& choice) const;
  void take(Choice choice);

  /// True if nothing can happen any more.
  bool over() const { return choices_.empty(); }
  /// True if nothing needs to happen any more: the run has come to its end, though a fault may
  /// still be possible.
  bool at_end() const { return over() || at_end_; }
  /// The broken rule, empty if none. Says of a run that is at its end also what the scenario says
  /// of ends, and whether it is one.
  const std::string& violation() const { return violation_; }
  /// True if the broken rule is about the end of a run.
  bool broken_at_end() const { return broken_at_end_; }

  /// Fingerprint of the state; needs `network().fingerprints`.
  std::uint64_t fingerprint();
  std::uint32_t faults_left() const { return faults_.most - faults_used_; }
  const Faults& faults() const { return faults_; }
  std::uint64_t steps() const { return steps_; }  ///< of this run

  Network& network() { return network_; }
  Scenario& scenario() const { return scenario_; }

  /// A run of more steps than this is taken for one that never ends, or, if time passes by itself,
  /// is cut off there.
  std::uint64_t most_steps = 1'000'000;
  /// Virtual time after which a run is cut off, if time passes by itself.
  std::chrono::nanoseconds most_time = std::chrono::hours(24);
  /// Runs that were cut off so far: what lies behind is not known.
  std::uint64_t cuts() const { return cuts_; }

 private:
  void look_around();
  void find_choices();
  void add_faults(const Choice& link);
  void add_timers(bool idle);
  void judge_end();

  caf::actor_system& system_;
  Scenario& scenario_;
  Faults faults_;
  Network network_;
  std::vector<Choice> choices_;
  std::string violation_;
  bool at_end_ = false;
  bool broken_at_end_ = false;
  std::uint32_t faults_used_ = 0;
  std::uint32_t idle_timers_ = 0;
  std::uint64_t steps_ = 0;
  std::uint64_t cuts_ = 0;
  bool is_cut_ = false;
};

}  // namespace nodezero::verify::explore
