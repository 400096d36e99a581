// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <nodezero/eigen.hpp>
#include <random>
#include <vector>

#include "gray_scott.hpp"

/// A part of the grid.
struct Region {
  int left = 0, top = 0, width = 0, height = 0;
};

/// Learns what a step of a simulation does to a cell from the cell's neighbourhood, and does it.
class Surrogate {
 public:
  /// `steps`: of training, which the learning rate is spread over. @throws std::runtime_error
  explicit Surrogate(std::uint64_t steps);

  /// Hands over batches of cells of a step, half of them where something happens.
  void learn(const Fields& before, const Fields& after, int batches, int cells);
  /// Gives the model the time of the host to learn in.
  nodezero::Status advance_to(double time);
  /// Replaces the region of `after`, a step after `before`, with what the model predicts.
  void predict(const Fields& before, Fields& after, const Region& region);

  const std::vector<double>& losses() const { return losses_; }  ///< of each step

 private:
  std::vector<double> losses_;  // before the trainer, which writes to it
  nodezero::Trainer trainer_;
  std::mt19937 random_{1};
};
