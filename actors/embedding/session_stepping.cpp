// SPDX-License-Identifier: BSD-3-Clause

// The host's calls that get work done.

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <utility>

#include <fmt/format.h>

#include "actors/embedding/session.hpp"

namespace nodezero {

bool Trainer::Session::run_one() {
  return scheduler_->try_run_once();
}

/// Does the actors' work, which they have no threads for, until `is_done`. False if none is left.
bool Trainer::Session::work_until(const std::function<bool()>& is_done) {
  if (jobs_) {
    return jobs_->help_until(is_done);
  }
  while (!is_done()) {
    if (!run_one()) {
      return false;
    }
  }
  return true;
}

Progress Trainer::Session::take_event() {
  const std::lock_guard lock(mutex_);
  if (std::exchange(epoch_has_ended_, false)) {
    step_has_ended_ = false;
    return Progress::epoch_done;
  }
  if (std::exchange(step_has_ended_, false)) {
    return Progress::step_done;
  }
  return ended_.value_or(Progress::working);
}

Progress Trainer::Session::pump(std::uint64_t budget) {
  if (has_new_batches_.exchange(false)) {
    caf::anon_send(actors_.feed, actors::batches_arrived{});
  }
  for (std::uint64_t i = 0; i < budget && !is_closed_; ++i) {
    if (const Progress event = take_event(); event != Progress::working) {
      return event;
    }
    if (!run_one()) {
      return Progress::idle;
    }
  }
  return take_event();
}

Result<Status> Trainer::Session::step(std::uint64_t budget) {
  if (auto error = refusal(true)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (budget == 0) {
    return fail(ErrorCode::invalid_argument, "a step needs a budget of at least one message");
  }
  const Inside inside(*this);
  return status_of(pump(budget));
}

Result<Status> Trainer::Session::advance_to(double time) {
  if (auto error = refusal(true)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  if (!std::isfinite(time)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("a time of {} is not a finite number", time));
  }
  if (time < time_) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("time {} lies before {}, which was reached already: to go back, restore "
                    "a state first",
                    time, time_.load()));
  }
  const double per_step = options_.time_per_step;
  if (per_step == 0 && !queue_ && options_.total_steps == 0) {
    return fail(ErrorCode::invalid_argument,
                "batches that never end need a time_per_step: this would not return");
  }
  if (per_step > 0 && (time_ + per_step == time_ || time + per_step == time)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("time_per_step ({}) is lost in rounding at time {}: this would not "
                            "return",
                            per_step, time));
  }
  const Inside inside(*this);
  Progress best = Progress::working;
  while (!is_closed_ && time_ + per_step <= time) {
    const Progress progress = pump(std::numeric_limits<std::uint64_t>::max());
    if (progress == Progress::step_done || progress == Progress::epoch_done) {
      best = std::max(best, progress);
      time_ = time_ + per_step;
      continue;
    }
    if (progress == Progress::failed) {
      return status_of(progress);
    }
    time_ = time;
    return status_of(best == Progress::working || progress == Progress::finished ? progress : best);
  }
  return status_of(best);
}

Result<Status> Trainer::Session::wait_for_steps(std::uint64_t steps,
                                                std::chrono::milliseconds timeout) {
  if (is_stepped()) {
    return fail(ErrorCode::wrong_mode,
                "a stepped trainer does nothing while its host waits: call step or advance_to");
  }
  if (auto error = refusal(false)) {
    return tl::unexpected<Error>(std::move(*error));
  }
  const auto has_come = [&] { return status_.steps >= steps || ended_ || is_closed_; };
  // Within what the clock can add.
  constexpr std::chrono::milliseconds century = std::chrono::hours(24 * 365 * 100);
  const auto deadline =
      std::chrono::steady_clock::now() + std::clamp(timeout, std::chrono::milliseconds(0), century);
  bool is_in_time = false;
  if (jobs_) {
    const auto is_done = [&] {
      const std::lock_guard lock(mutex_);
      return has_come();
    };
    is_in_time = jobs_->help_until(is_done, deadline);
  } else {
    std::unique_lock lock(mutex_);
    is_in_time = changed_.wait_until(lock, deadline, has_come);
  }
  if (!is_in_time) {
    return fail(ErrorCode::timed_out, fmt::format("{} of {} steps were done in {} ms",
                                                  status().steps, steps, timeout.count()));
  }
  if (is_closed_) {
    return fail(ErrorCode::closed, "the trainer was closed");
  }
  return status();
}

}  // namespace nodezero
