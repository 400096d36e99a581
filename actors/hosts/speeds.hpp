// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <map>

namespace nodezero::actors {

/// How fast the machines of a run are, from what they say of each step. Decides who computes how
/// much, and never a bit of the result. Rates are micro-batches per second, 0 as long as they are
/// not known.
class Speeds {
 public:
  /// Machine 0 is the root's, with which others are compared.
  void add(std::uint32_t machine, std::uint32_t lanes) { machines_[machine] = {lanes, 0, 0, 0}; }
  void remove(std::uint32_t machine) { machines_.erase(machine); }

  /// Takes what a machine has computed in a step, and how long that took. Its first step counts for
  /// nothing: caches and memory are cold. True if its lanes have now been less than half as fast as
  /// the root's for `long_enough` steps.
  bool measure(std::uint32_t machine, std::uint32_t micro_batches, std::chrono::microseconds time);
  static constexpr std::uint32_t long_enough = 20;

  double rate(std::uint32_t machine) const;
  /// For shares. A machine that has not been measured is taken to have lanes like the root's.
  double share(std::uint32_t machine) const;
  /// How fast a lane of the machine is, compared with one of the root.
  double lane_against_root(std::uint32_t machine) const;

 private:
  struct Machine {
    std::uint32_t lanes = 1;
    double rate = 0;  ///< smoothed
    std::uint32_t measured = 0;
    std::uint32_t steps_slow = 0;  ///< in a row
  };
  double root_lane() const;

  std::map<std::uint32_t, Machine> machines_;
};

/// What the exchange costs, smoothed over steps.
class ExchangeCost {
 public:
  void take(double step_seconds, double exchange_seconds, double bytes);
  double step_seconds() const { return step_seconds_; }
  double exchange_seconds() const { return exchange_seconds_; }
  double bytes() const { return bytes_; }
  /// Of a step's time; 0 as long as nothing is known.
  double fraction() const { return step_seconds_ > 0 ? exchange_seconds_ / step_seconds_ : 0; }

 private:
  std::uint32_t steps_ = 0;
  double step_seconds_ = 0;
  double exchange_seconds_ = 0;
  double bytes_ = 0;
};

}  // namespace nodezero::actors
