// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>

namespace nodezero::actors {

/// Canonical positions [first, last) of a step's micro-batches.
struct PositionRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;

  std::uint32_t size() const { return last - first; }
  friend bool operator==(const PositionRange&, const PositionRange&) = default;
};

/// The one binary tree over positions 0..n-1 along which everything is summed. A node at
/// level k covers positions [i 2^k, (i + 1) 2^k) cut off at n. Its shape depends on n
/// alone, so a sum along it has the same bits wherever its parts were computed.
class PositionTree {
 public:
  explicit PositionTree(std::uint32_t positions) : positions_(positions) {}

  std::uint32_t positions() const { return positions_; }
  PositionRange root() const { return {0, positions_}; }

  /// True if the range is a node of this tree.
  bool contains(PositionRange node) const;

  /// The node that is added to `node`, or nothing for the root.
  std::optional<PositionRange> sibling(PositionRange node) const;

 private:
  std::uint32_t positions_;
};

}  // namespace nodezero::actors
