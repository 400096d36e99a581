// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero {

/// What becomes of the learning rate after the warm-up.
enum class LearningRateSchedule {
  cosine,    ///< falls along a cosine, to min_learning_rate at the last step of all
  constant,  ///< stays, so that a longer run begins as a shorter one
  /// Stays, and falls in a straight line to min_learning_rate over the last decay_steps ("warm-up,
  /// stable, decay": Hu et al., "MiniCPM", 2024).
  wsd,
};

/// AdamW with decoupled weight decay (Loshchilov, Hutter, 2019).
struct OptimizerOptions {
  double learning_rate = 1e-3;
  double min_learning_rate = 1e-4;  ///< at the last step of all
  std::uint64_t warmup = 0;         ///< steps over which the rate rises to learning_rate
  double beta1 = 0.9;
  double beta2 = 0.99;
  double epsilon = 1e-8;
  double weight_decay = 0;
  double clip = 1.0;  ///< largest global norm of a gradient; 0: no clipping
  LearningRateSchedule schedule = LearningRateSchedule::cosine;
  std::uint64_t decay_steps = 0;  ///< of wsd; 0: a tenth of all steps

  friend bool operator==(const OptimizerOptions&, const OptimizerOptions&) = default;
};

}  // namespace nodezero
