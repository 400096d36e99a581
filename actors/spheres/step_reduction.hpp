// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <variant>
#include <vector>

#include "actors/partial.hpp"
#include "actors/position_range.hpp"
#include "model/tensors/micro_batch.hpp"

namespace nodezero::actors {

/// What a sphere holds of a step: it sums what is wholly its own along the position tree
/// and gives everything else upwards at once. Keyed by position, so the order in which
/// parts arrive changes nothing.
class StepReduction {
 public:
  /// Two siblings that are both here, to be added as left + right.
  struct Combine {
    Partial left;
    Partial right;
  };
  /// A sum whose sibling is not wholly ours, or the root of the tree.
  struct PassUp {
    Partial sum;
  };
  /// Held until its sibling arrives.
  struct Held {};
  using Outcome = std::variant<Held, Combine, PassUp>;

  StepReduction() : tree_(0) {}
  /// `tree`: of the step; `mine`: the positions of this sphere and all below it, in ascending
  /// order.
  StepReduction(PositionTree tree, std::vector<std::uint32_t> mine);

  /// True if the range is a node of the tree, all of it is ours and no part of it arrived
  /// before. Asked before a part from outside is put in.
  bool acceptable(PositionRange range) const;

  /// Takes in a part from outside (a micro-batch's or a child's), which must be acceptable.
  Outcome put(Partial part);
  /// Takes in the sum that a Combine was made into.
  Outcome put_combined(Partial sum);

  /// True when every position of ours has been passed up.
  bool finished() const { return passed_up_ == mine_.size(); }
  const std::vector<std::uint32_t>& mine() const { return mine_; }
  bool arrived(std::uint32_t position) const;
  /// Equal for reductions that nothing that is put in can tell apart. The tree is the step's.
  auto fields() const {
    const auto& [tree, mine, arrived, held, passed_up] = *this;
    return std::tie(mine, arrived, held, passed_up);
  }

 private:
  bool wholly_mine(PositionRange range) const;
  std::size_t index_of(std::uint32_t position) const;
  Outcome place(Partial part);

  PositionTree tree_;
  std::vector<std::uint32_t> mine_;
  std::vector<bool> arrived_;              ///< parallel to mine_
  std::map<std::uint32_t, Partial> held_;  ///< by first position
  std::size_t passed_up_ = 0;
};

}  // namespace nodezero::actors
