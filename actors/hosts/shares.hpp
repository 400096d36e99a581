// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "actors/position_range.hpp"
#include "model/tensors/micro_batch.hpp"

namespace nodezero::actors {

/// Cuts a range of a step's positions into one contiguous range for each machine, in proportion to
/// how fast they are. Cuts fall on borders of nodes of the position tree that are as large as the
/// number of machines allows, so that few sums cross. Some of the ranges may be empty.
std::vector<PositionRange> contiguous_shares(PositionRange range, std::span<const double> speeds);

/// The loss of a node of the position tree.
struct LossOfNode {
  PositionRange range;
  model::LossSum loss;
};

/// The loss of the whole step, added along the tree; nothing if the nodes are not all of it, each
/// position once.
std::optional<model::LossSum> loss_of_step(const PositionTree& tree,
                                           std::span<const LossOfNode> nodes);

}  // namespace nodezero::actors
