// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <utility>

#include "actors/run/other_machines.hpp"
#include "nodezero/error.hpp"

namespace nodezero {

/// What TrainerOptions::machines points to. It is made where there is a network.
class Machines {
 public:
  using Others = Result<std::shared_ptr<actors::OtherMachines>>;

  /// `make` is called for each trainer: what one has used is of no use to the next.
  explicit Machines(std::function<Others()> make) : make_(std::move(make)) {}

  /// For one trainer at a time, as long as it holds the result. Fails with in_use if another one
  /// has them, and as they are made.
  Others take() {
    const std::lock_guard lock(mutex_);
    if (!taken_.expired()) {
      return fail(ErrorCode::in_use, "another trainer has these machines; call listen for each");
    }
    auto others = make_();
    if (others) {
      taken_ = *others;
    }
    return others;
  }

 private:
  std::function<Others()> make_;
  std::mutex mutex_;
  std::weak_ptr<actors::OtherMachines> taken_;
};

}  // namespace nodezero
