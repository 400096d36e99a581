// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/shares.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

namespace nodezero::actors {

std::vector<PositionRange> contiguous_shares(PositionRange range, std::span<const double> speeds) {
  // A border is off by at most half a unit: an eighth of a mean share.
  const auto wanted = range.size() / (4 * static_cast<std::uint32_t>(speeds.size()));
  const std::uint32_t unit = std::bit_floor(std::max(wanted, 1U));
  const double total = std::accumulate(speeds.begin(), speeds.end(), 0.0);
  std::vector<PositionRange> shares;
  std::uint32_t first = range.first;
  double before = 0;
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    before += speeds[i];
    const double border = range.first + range.size() * (total > 0 ? before / total : 1.0);
    auto last = static_cast<std::uint32_t>(std::lround(border / unit)) * unit;
    if (i + 1 == speeds.size()) {
      last = range.last;
    }
    last = std::clamp(last, first, range.last);
    shares.push_back({first, last});
    first = last;
  }
  return shares;
}

std::optional<model::LossSum> loss_of_step(const PositionTree& tree,
                                           std::span<const LossOfNode> nodes) {
  std::map<std::uint32_t, LossOfNode> held;
  for (LossOfNode node : nodes) {
    if (!tree.contains(node.range)) {
      return std::nullopt;
    }
    while (node.range != tree.root()) {
      const auto sibling = held.find(tree.sibling(node.range)->first);
      if (sibling == held.end() || sibling->second.range != *tree.sibling(node.range)) {
        break;
      }
      LossOfNode other = sibling->second;
      held.erase(sibling);
      if (other.range.first < node.range.first) {
        std::swap(node, other);
      }
      node = {{node.range.first, other.range.last}, node.loss + other.loss};
    }
    if (!held.emplace(node.range.first, node).second) {
      return std::nullopt;
    }
  }
  const bool is_whole = held.size() == 1 && held.begin()->second.range == tree.root();
  return is_whole ? std::optional(held.begin()->second.loss) : std::nullopt;
}

}  // namespace nodezero::actors
