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
/// how fast they are. A border may be off by `tolerance` of the smaller of the two shares beside
/// it, and falls where the position tree has its largest node within that, so that few sums cross.
/// Some of the ranges may be empty.
std::vector<PositionRange> contiguous_shares(PositionRange range, std::span<const double> speeds,
                                             double tolerance = 0.06);

std::uint32_t positions_in(std::span<const PositionRange> ranges);

/// The nodes of the tree over so many positions that a range is made of, each as large as it can
/// be, in order: as many sums of it cross. The range must not end behind the last position.
std::vector<PositionRange> nodes_of(PositionRange range, std::uint32_t positions);

/// The shares of whole steps. They stay as they are while speeds vary a little, and until others
/// have been better for some steps in a row: a border that moves leaves a large node of the tree
/// for many small ones, and one slow step says little about a machine.
class Shares {
 public:
  static constexpr std::uint32_t patience = 8;

  /// For the machines of these numbers. `exchange_fraction`: of a step's time; the more, the fewer
  /// sums are to cross, at the price of shares that do not fit the speeds as well.
  const std::vector<PositionRange>& plan(std::uint32_t positions,
                                         std::span<const std::uint32_t> machines,
                                         std::span<const double> speeds, double exchange_fraction);

 private:
  std::vector<std::uint32_t> machines_;
  std::vector<PositionRange> shares_;
  std::uint32_t steps_worth_moving_ = 0;  ///< in a row
};

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
