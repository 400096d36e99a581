// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

namespace nodezero::actors {

/// One sphere of the tree, root included.
struct TopologyNode {
  std::uint32_t id = 0;           ///< 0 is node_zero; preorder
  std::uint32_t level = 0;        ///< 0 is node_zero
  std::uint32_t parent = 0;       ///< of the root: itself
  std::uint32_t workers = 0;      ///< leaves at or below it
  std::uint32_t nodes = 0;        ///< spheres at or below it
  std::uint32_t first_group = 0;  ///< symmetry groups [first_group, last_group) of its level
  std::uint32_t last_group = 0;
  bool is_worker = false;
};

/// Workers below each child of a node with `workers` leaves, by design: with d the least
/// depth for which symmetry^d >= workers, a node with more than `symmetry` leaves has
/// ceil(workers / symmetry^(d-1)) children, another has one for each leaf; shares are as
/// even as possible, the larger ones first. workers >= 1, symmetry >= 2.
std::vector<std::uint32_t> split_workers(std::uint32_t workers, std::uint32_t symmetry);

/// Spheres in the subtree of a child of the root or below it with that many leaves.
std::uint32_t subtree_size(std::uint32_t workers, std::uint32_t symmetry);

/// Symmetry groups that child t of c owns: [symmetry t / c, symmetry (t + 1) / c).
struct GroupRange {
  std::uint32_t first = 0;
  std::uint32_t last = 0;
};
GroupRange owned_groups(std::uint32_t child, std::uint32_t children, std::uint32_t symmetry);

/// The whole tree in preorder; node 0 is node_zero.
std::vector<TopologyNode> topology(std::uint32_t workers, std::uint32_t symmetry);

}  // namespace nodezero::actors
