// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>

namespace nodezero::runtime {

/// Time in which the process ran. A process that is stopped (Ctrl-Z, `docker pause`, a laptop that
/// sleeps) sees hours pass in a moment, and would take everything that it waits for to be overdue.
/// Whoever looks regularly knows: if far more time has passed than should have, the process stood
/// still. Not thread-safe.
class RunningTime {
 public:
  using Clock = std::chrono::steady_clock;

  /// Somebody has to look at least so often.
  static constexpr std::chrono::seconds interval{1};
  /// Longer than this without a look is taken for a stop. A machine may be very busy.
  static constexpr std::chrono::seconds stop{4};

  explicit RunningTime(Clock::time_point now) : last_look_(now) {}

  /// To be called regularly with the time of the system.
  void look(Clock::time_point now) {
    const auto passed = now - last_look_;
    if (passed > stop) {
      stopped_ += passed - interval;
    }
    last_look_ = now;
  }

  /// After a time in which nobody waited for anything, so that nobody had to look.
  void look_again(Clock::time_point now) { last_look_ = now; }

  /// How long the process was stopped up to the last look.
  Clock::duration stopped() const { return stopped_; }

 private:
  Clock::time_point last_look_;
  Clock::duration stopped_{0};
};

}  // namespace nodezero::runtime
