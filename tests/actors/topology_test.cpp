// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/topology.hpp"

#include <algorithm>

#include <gtest/gtest.h>

namespace nodezero::actors {
namespace {

/// The least d with symmetry^d >= workers, at least 1: node_zero is not a worker.
std::uint32_t least_depth(std::uint32_t workers, std::uint32_t symmetry) {
  std::uint32_t depth = 1;
  for (std::uint64_t reach = symmetry; reach < workers; reach *= symmetry) {
    ++depth;
  }
  return depth;
}

std::uint32_t depth(const std::vector<TopologyNode>& nodes) {
  std::uint32_t deepest = 0;
  for (const auto& node : nodes) {
    deepest = std::max(deepest, node.level);
  }
  return deepest;
}

/// What must hold of any tree, from each node's own fields and those of its children.
void expect_sound(std::uint32_t workers, std::uint32_t symmetry) {
  SCOPED_TRACE(::testing::Message() << workers << " workers, symmetry " << symmetry);
  const auto nodes = topology(workers, symmetry);
  std::vector<std::uint32_t> children(nodes.size()), leaves(nodes.size()), spheres(nodes.size(), 1);
  std::vector<std::uint32_t> next_group(nodes.size());
  ASSERT_FALSE(nodes[0].is_worker);
  ASSERT_EQ(nodes[0].parent, 0u);
  ASSERT_EQ(nodes[0].last_group, symmetry);
  for (std::uint32_t id = 1; id < nodes.size(); ++id) {
    const auto& node = nodes[id];
    ASSERT_EQ(node.id, id);
    ASSERT_LT(node.parent, id);
    ASSERT_FALSE(nodes[node.parent].is_worker);
    ASSERT_EQ(node.level, nodes[node.parent].level + 1);
    ASSERT_EQ(node.is_worker, node.workers == 1);
    // Siblings own the groups of their level without gap or overlap, each at least one.
    ASSERT_EQ(node.first_group, next_group[node.parent]);
    ASSERT_GT(node.last_group, node.first_group);
    next_group[node.parent] = node.last_group;
    ++children[node.parent];
  }
  for (std::size_t id = nodes.size(); id-- > 0;) {
    const auto& node = nodes[id];
    leaves[id] += node.is_worker ? 1 : 0;
    ASSERT_EQ(node.workers, leaves[id]);
    ASSERT_EQ(node.nodes, spheres[id]);
    ASSERT_LE(children[id], symmetry);
    ASSERT_EQ(children[id] == 0, node.is_worker);
    if (!node.is_worker) {
      ASSERT_EQ(next_group[id], symmetry);
    }
    if (id > 0) {
      leaves[node.parent] += leaves[id];
      spheres[node.parent] += spheres[id];
    }
  }
  ASSERT_EQ(nodes[0].workers, workers);
  ASSERT_EQ(depth(nodes), least_depth(workers, symmetry));
  // Siblings' leaves differ by at most one, the larger shares first.
  for (std::uint32_t id = 2; id < nodes.size(); ++id) {
    for (std::uint32_t sibling = id - 1; sibling > nodes[id].parent; --sibling) {
      if (nodes[sibling].parent == nodes[id].parent) {
        ASSERT_GE(nodes[sibling].workers, nodes[id].workers);
        break;
      }
    }
  }
  const auto shares = split_workers(workers, symmetry);
  ASSERT_LE(shares.front() - shares.back(), 1u);
}

// Regression row B13, for every number of spheres that the old system could not build.
TEST(Topology, IsSoundForUpTo2000WorkersAtSymmetry12) {
  for (std::uint32_t workers = 1; workers <= 2000; ++workers) {
    ASSERT_NO_FATAL_FAILURE(expect_sound(workers, 12));
  }
}

TEST(Topology, IsSoundForEverySymmetryFrom2To12) {
  for (std::uint32_t symmetry = 2; symmetry <= 12; ++symmetry) {
    for (std::uint32_t workers = 1; workers <= 2000; workers += workers < 200 ? 1 : 13) {
      ASSERT_NO_FATAL_FAILURE(expect_sound(workers, symmetry));
    }
  }
}

TEST(Topology, FullTreesHaveTheDesignsNumberOfNodes) {
  EXPECT_EQ(topology(12, 12).size(), 13u);
  EXPECT_EQ(topology(144, 12).size(), 157u);
  EXPECT_EQ(topology(1728, 12).size(), 1885u);
  EXPECT_EQ(topology(20736, 12).size(), 22621u);
}

TEST(Topology, OneWorkerHangsBelowNodeZero) {
  const auto nodes = topology(1, 12);
  ASSERT_EQ(nodes.size(), 2u);
  EXPECT_TRUE(nodes[1].is_worker);
  EXPECT_EQ(nodes[1].first_group, 0u);
  EXPECT_EQ(nodes[1].last_group, 12u);
}

TEST(Topology, SplitsByTheCapacityOfAFullChild) {
  EXPECT_EQ(split_workers(1, 12), (std::vector<std::uint32_t>{1}));
  EXPECT_EQ(split_workers(13, 12), (std::vector<std::uint32_t>{7, 6}));
  EXPECT_EQ(split_workers(24, 12), (std::vector<std::uint32_t>{12, 12}));
  EXPECT_EQ(split_workers(25, 12), (std::vector<std::uint32_t>{9, 8, 8}));
  EXPECT_EQ(split_workers(144, 12), std::vector<std::uint32_t>(12, 12));
  EXPECT_EQ(split_workers(157, 12), (std::vector<std::uint32_t>{79, 78}));
}

TEST(Topology, SubtreeSizesAreThoseOfTheTree) {
  for (std::uint32_t symmetry : {2u, 3u, 5u, 12u}) {
    for (std::uint32_t workers = 1; workers <= 400; ++workers) {
      for (const auto& node : topology(workers, symmetry)) {
        if (node.level > 0) {
          ASSERT_EQ(subtree_size(node.workers, symmetry), node.nodes);
        }
      }
    }
  }
}

TEST(Topology, ChildrenOwnTheGroupsEvenly) {
  for (std::uint32_t children = 1; children <= 12; ++children) {
    std::uint32_t next = 0;
    for (std::uint32_t child = 0; child < children; ++child) {
      const auto groups = owned_groups(child, children, 12);
      EXPECT_EQ(groups.first, next);
      EXPECT_GE(groups.last - groups.first, 12 / children);
      EXPECT_LE(groups.last - groups.first, (12 + children - 1) / children);
      next = groups.last;
    }
    EXPECT_EQ(next, 12u);
  }
}

}  // namespace
}  // namespace nodezero::actors
