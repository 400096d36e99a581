// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <nodezero/eigen.hpp>
#include <nodezero/hosts.hpp>
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
  /// `steps`: of training, which the learning rate is spread over. With other machines it learns on
  /// threads of its own, which makes the same weights. @throws std::runtime_error
  Surrogate(std::uint64_t steps, std::shared_ptr<nodezero::Machines> machines);
  /// Lends this machine to a surrogate on another one. @throws std::runtime_error
  static void lend(nodezero::HostOptions options);

  /// Hands over batches of cells of a step, half of them where something happens.
  void learn(const Fields& before, const Fields& after, int batches, int cells);
  /// Gives the model the time of the host to learn in, if it has no threads of its own.
  void advance_to(double time);
  /// Waits until it has learned from everything so far, which makes so many steps.
  void finish(std::uint64_t steps);
  bool has_own_threads() const { return has_own_threads_; }
  /// Replaces the region of `after`, a step after `before`, with what the model predicts.
  void predict(const Fields& before, Fields& after, const Region& region);

  double loss() const { return trainer_.status().loss; }  ///< of the last step
  std::vector<double> losses() const;                     ///< of each

 private:
  nodezero::TrainerOptions options(std::uint64_t steps,
                                   std::shared_ptr<nodezero::Machines> machines);

  const bool has_own_threads_;
  mutable std::mutex mutex_;  // before the trainer, which writes to what it guards
  std::condition_variable reported_;
  std::vector<double> losses_;
  nodezero::Trainer trainer_;
  std::mt19937 random_{1};
};
