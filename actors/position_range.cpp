// SPDX-License-Identifier: BSD-3-Clause
#include "actors/position_range.hpp"

#include <algorithm>
#include <bit>

namespace nodezero::actors {

bool PositionTree::contains(PositionRange node) const {
  if (node.first >= node.last || node.last > positions_) {
    return false;
  }
  const std::uint64_t width = std::bit_ceil(std::uint64_t{node.size()});
  return node.first % width == 0 &&
         node.last == std::min<std::uint64_t>(node.first + width, positions_);
}

std::optional<PositionRange> PositionTree::sibling(PositionRange node) const {
  if (node == root()) {
    return std::nullopt;
  }
  std::uint64_t width = std::bit_ceil(std::uint64_t{node.size()});
  std::uint64_t index = node.first / width;
  // A node at the cut edge may have no sibling on its own level; then it stands for its
  // parent, and so on upwards until there is one.
  while ((index ^ 1) * width >= positions_) {
    index /= 2;
    width *= 2;
  }
  const std::uint64_t first = (index ^ 1) * width;
  return PositionRange{
      static_cast<std::uint32_t>(first),
      static_cast<std::uint32_t>(std::min<std::uint64_t>(first + width, positions_))};
}

}  // namespace nodezero::actors
