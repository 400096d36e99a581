// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <map>
#include <tuple>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/position_range.hpp"
#include "model/tensors/tensor_set.hpp"
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
  BlockSums(PositionTree tree, std::size_t blocks) : tree_(tree), blocks_(blocks) {}

  /// Takes a part of a block over one node of the tree. When the last one has come, the whole sum
  /// is in that block of `sum`. Refused if the node is not of the tree, overlaps what came before,
  /// or is not of the block's size.
  Outcome put(std::size_t block, PositionRange node, runtime::Floats values, model::Gradient& sum);
  auto fields() const { return std::tie(blocks_); }

 private:
  struct Part {
    PositionRange range;
    runtime::Floats values;
    std::shared_ptr<float> own;  ///< where the values lie, if they may be written
    auto fields() const { return std::tie(range, values); }
  };
  struct Block {
    std::vector<PositionRange> taken;
    std::map<std::uint32_t, Part> held;  ///< by first position
    /// What was taken is held, until the block is complete.
    auto fields() const { return std::tie(held); }
  };

  static Part add(Part left, Part right);

  PositionTree tree_;
  std::vector<Block> blocks_;
};

}  // namespace nodezero::actors
