// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "actors/spheres/topology.hpp"

namespace nodezero::verify {

/// A tree of spheres in brackets: a pair for each inner node with what is below it in between,
/// a dot for each leaf. `(..)` is a root with two workers; `((..)(..))` has two controls.
/// Children stand in the order of their ids.
using TreeText = std::string;

/// The nodes in preorder as production has them. `symmetry` only says which groups of tokens a
/// child owns. @throws std::invalid_argument with a line for people
std::vector<actors::TopologyNode> parse_tree(std::string_view text, std::uint32_t symmetry);

TreeText to_text(const std::vector<actors::TopologyNode>& tree);

/// All rooted trees of `nodes` nodes that differ in more than the order of children. The tree of
/// one node is a root without workers.
std::vector<TreeText> unordered_trees(std::uint32_t nodes);

/// The complete tree with `fan_out` children at each of `levels` levels of inner nodes.
TreeText complete_tree(std::uint32_t fan_out, std::uint32_t levels);

/// Product of the factorials of all inner nodes' numbers of children: in how many ways children
/// can come before their siblings.
double orders_of_children(const std::vector<actors::TopologyNode>& tree);

std::uint32_t leaves(const std::vector<actors::TopologyNode>& tree);

}  // namespace nodezero::verify
