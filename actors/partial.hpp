// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/position_range.hpp"
#include "model/tensors/micro_batch.hpp"

namespace nodezero::actors {

/// The sum over one node of the position tree. Without a gradient when only a loss was
/// asked for.
struct Partial {
  PositionRange range;
  GradientLease gradient;
  model::LossSum loss;
  /// Of the gradient's blocks; empty unless a sum of the whole step took them on its way.
  std::vector<double> squared_norms;
};

}  // namespace nodezero::actors
