// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/position_range.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/training/gradient_sums.hpp"
#include "runtime/wire.hpp"

namespace nodezero::actors {

/// The floats of a block of 65,536 of a set; the last one may have fewer. A block that the set does
/// not have is empty.
std::span<float> block_of(model::TensorSet& set, std::size_t block);
std::span<const float> block_of(const model::TensorSet& set, std::size_t block);

/// Such a block of a buffer that is kept for as long as somebody has the block.
runtime::Floats view_of(const std::shared_ptr<GradientLease>& lease, std::size_t block);

/// Adds the blocks that a machine owns along the position tree, as their parts come in from the
/// machines: in any order, each part of a block once. A sum along the tree has the same bits
/// wherever its parts were computed, and so has each element of it.
class BlockSums {
 public:
  enum class Outcome { refused, held, complete };

  BlockSums() : tree_(0) {}
  BlockSums(PositionTree tree, std::size_t blocks, const model::GradientSums& additions,
            std::uint64_t step)
      : tree_(tree), additions_(additions), step_(step), blocks_(blocks) {}

  /// Takes a part of a block over one node of the tree. When the last one has come, the whole sum
  /// is in that block of `sum`. Refused if the node is not of the tree, overlaps what came before,
  /// or is not of the block's size.
  Outcome put(std::size_t block, PositionRange node, runtime::Floats values, model::Gradient& sum);
  auto fields() const { return std::tie(blocks_); }

 private:
  struct Part {
    PositionRange range;
    runtime::Floats came;
    std::vector<float> added;  ///< in their place, once something was added
    std::span<const float> values() const { return added.empty() ? came.span() : added; }
    auto fields() const { return std::tie(range, came, added); }
  };
  struct Block {
    std::vector<PositionRange> taken;
    std::map<std::uint32_t, Part> held;  ///< by first position
    /// What was taken is held, until the block is complete.
    auto fields() const { return std::tie(held); }
  };

  Part add(std::size_t block, Part left, Part right) const;

  PositionTree tree_;
  model::GradientSums additions_;
  std::uint64_t step_ = 0;
  std::vector<Block> blocks_;
};

}  // namespace nodezero::actors
