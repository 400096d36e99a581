// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/topology.hpp"

#include <cassert>

namespace nodezero::actors {

namespace {

/// The largest power symmetry^(d-1) for which symmetry^d is the first that reaches
/// `workers`; 1 when symmetry alone does.
std::uint64_t child_capacity(std::uint32_t workers, std::uint32_t symmetry) {
  std::uint64_t capacity = 1;
  while (capacity * symmetry < workers) {
    capacity *= symmetry;
  }
  return capacity;
}

/// Appends the subtree of one node and returns how many spheres it has.
std::uint32_t append(std::vector<TopologyNode>& nodes, TopologyNode node, std::uint32_t symmetry) {
  node.id = static_cast<std::uint32_t>(nodes.size());
  node.parent = node.level == 0 ? node.id : node.parent;
  nodes.push_back(node);
  std::uint32_t count = 1;
  if (!node.is_worker) {
    const auto shares = split_workers(node.workers, symmetry);
    const auto children = static_cast<std::uint32_t>(shares.size());
    for (std::uint32_t child = 0; child < children; ++child) {
      const GroupRange groups = owned_groups(child, children, symmetry);
      count += append(nodes,
                      {.level = node.level + 1,
                       .parent = node.id,
                       .workers = shares[child],
                       .first_group = groups.first,
                       .last_group = groups.last,
                       .is_worker = shares[child] == 1},
                      symmetry);
    }
  }
  nodes[node.id].nodes = count;
  return count;
}

}  // namespace

std::vector<std::uint32_t> split_workers(std::uint32_t workers, std::uint32_t symmetry) {
  assert(workers >= 1 && symmetry >= 2);
  const std::uint64_t capacity = child_capacity(workers, symmetry);
  const auto children = static_cast<std::uint32_t>((workers + capacity - 1) / capacity);
  std::vector<std::uint32_t> shares(children, workers / children);
  for (std::uint32_t child = 0; child < workers % children; ++child) {
    ++shares[child];
  }
  return shares;
}

std::uint32_t subtree_size(std::uint32_t workers, std::uint32_t symmetry) {
  if (workers == 1) {
    return 1;
  }
  // Shares differ by at most one, so a node has at most two kinds of children.
  const auto shares = split_workers(workers, symmetry);
  const std::uint32_t smallest = shares.back();
  const std::uint32_t larger = workers % static_cast<std::uint32_t>(shares.size());
  const auto even = static_cast<std::uint32_t>(shares.size()) - larger;
  std::uint32_t size = 1 + even * subtree_size(smallest, symmetry);
  if (larger > 0) {
    size += larger * subtree_size(smallest + 1, symmetry);
  }
  return size;
}

GroupRange owned_groups(std::uint32_t child, std::uint32_t children, std::uint32_t symmetry) {
  assert(child < children);
  const auto border = [=](std::uint64_t t) {
    return static_cast<std::uint32_t>(symmetry * t / children);
  };
  return {border(child), border(child + 1)};
}

std::vector<TopologyNode> topology(std::uint32_t workers, std::uint32_t symmetry) {
  assert(workers >= 1 && symmetry >= 2);
  std::vector<TopologyNode> nodes;
  append(nodes, {.workers = workers, .first_group = 0, .last_group = symmetry, .is_worker = false},
         symmetry);
  return nodes;
}

}  // namespace nodezero::actors
