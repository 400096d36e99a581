// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <memory>
#include <utility>

#include "actors/run/other_machines.hpp"

namespace nodezero {

/// What TrainerOptions::machines points to. It is made where there is a network.
class Machines {
 public:
  explicit Machines(std::shared_ptr<actors::OtherMachines> others) : others_(std::move(others)) {}

  /// For the one trainer that has them; null if another one has.
  std::shared_ptr<actors::OtherMachines> take() {
    return is_taken_.exchange(true) ? nullptr : others_;
  }

 private:
  std::shared_ptr<actors::OtherMachines> others_;
  std::atomic<bool> is_taken_ = false;
};

}  // namespace nodezero
