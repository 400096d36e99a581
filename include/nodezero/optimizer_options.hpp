// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero {

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

  friend bool operator==(const OptimizerOptions&, const OptimizerOptions&) = default;
};

}  // namespace nodezero
