// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <chrono>

namespace nodezero::actors {

/// Keeps account of the lanes' time where generation and training both want it.
class GenerationShare {
 public:
  /// `share` of the time is for generation, 0 to 1.
  explicit GenerationShare(double share) : share_(share) {}

  void add_generation(std::chrono::duration<double> time) { add(time.count() * (1 - share_)); }
  void add_training(std::chrono::duration<double> time) { add(-time.count() * share_); }

  /// Generation has had what is its due, and training comes first.
  bool is_used_up() const { return share_ < 1 && ahead_s_ > 0; }

 private:
  /// What is older than that is forgotten: a long time in which only one of them wanted the lanes
  /// gives the other no claim to a long time alone.
  static constexpr double most_s = 1;

  void add(double seconds) { ahead_s_ = std::clamp(ahead_s_ + seconds, -most_s, most_s); }

  double share_;
  double ahead_s_ = 0;  ///< of generation, times the other's share
};

}  // namespace nodezero::actors
