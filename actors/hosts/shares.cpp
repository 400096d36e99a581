// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/shares.hpp"

#include <algorithm>
#include <bit>
#include <cmath>
#include <map>
#include <numeric>

namespace nodezero::actors {

namespace {

/// The whole number in [low, high] that the largest power of two divides; of several, that which is
/// next to `ideal`. There must be one.
std::uint32_t roundest(std::uint32_t low, std::uint32_t high, double ideal) {
  for (std::uint64_t unit = std::uint64_t{1} << 31U; unit > 1; unit /= 2) {
    const std::uint64_t first = (low + unit - 1) / unit * unit;
    if (first <= high) {
      const auto nearest = static_cast<std::uint64_t>(std::llround(ideal / unit)) * unit;
      return static_cast<std::uint32_t>(nearest >= low && nearest <= high ? nearest : first);
    }
  }
  return std::clamp(static_cast<std::uint32_t>(std::lround(ideal)), low, high);
}

/// Of the machine that needs longest, in units of nothing.
double time_of(std::span<const PositionRange> shares, std::span<const double> speeds) {
  double longest = 0;
  for (std::size_t i = 0; i < shares.size(); ++i) {
    longest = std::max(longest, shares[i].size() / std::max(speeds[i], 1e-12));
  }
  return longest;
}

std::size_t count_nodes(std::span<const PositionRange> shares, std::uint32_t positions) {
  std::size_t nodes = 0;
  for (const auto& share : shares) {
    nodes += nodes_of(share, positions).size();
  }
  return nodes;
}

}  // namespace

std::vector<PositionRange> contiguous_shares(PositionRange range, std::span<const double> speeds,
                                             double tolerance) {
  const double total = std::accumulate(speeds.begin(), speeds.end(), 0.0);
  const auto ideal_size = [&](std::size_t i) {
    return total > 0 ? range.size() * speeds[i] / total
                     : static_cast<double>(range.size()) / static_cast<double>(speeds.size());
  };
  std::vector<PositionRange> shares;
  std::uint32_t first = range.first;
  double ideal = range.first;
  for (std::size_t i = 0; i < speeds.size(); ++i) {
    ideal += ideal_size(i);
    std::uint32_t last = range.last;
    if (i + 1 < speeds.size()) {
      const double off = std::max(0.5, tolerance * std::min(ideal_size(i), ideal_size(i + 1)));
      const auto low = static_cast<std::uint32_t>(std::ceil(std::max(0.0, ideal - off)));
      const auto high = static_cast<std::uint32_t>(std::floor(ideal + off));
      last = std::clamp(roundest(std::min(low, high), high, ideal), first, range.last);
    }
    shares.push_back({first, last});
    first = last;
  }
  return shares;
}

std::uint32_t positions_in(std::span<const PositionRange> ranges) {
  return std::accumulate(ranges.begin(), ranges.end(), 0U,
                         [](std::uint32_t sum, const auto& range) { return sum + range.size(); });
}

std::vector<PositionRange> nodes_of(PositionRange range, std::uint32_t positions) {
  std::vector<PositionRange> nodes;
  while (range.first < range.last) {
    // The largest node that begins here and ends within the range.
    std::uint64_t width = range.first == 0 ? std::bit_ceil(std::uint64_t{positions})
                                           : range.first & (~range.first + 1);
    while (std::min<std::uint64_t>(range.first + width, positions) > range.last) {
      width /= 2;
    }
    const auto last =
        static_cast<std::uint32_t>(std::min<std::uint64_t>(range.first + width, positions));
    nodes.push_back({range.first, last});
    range.first = last;
  }
  return nodes;
}

const std::vector<PositionRange>& Shares::plan(std::uint32_t positions,
                                               std::span<const std::uint32_t> machines,
                                               std::span<const double> speeds,
                                               double exchange_fraction) {
  constexpr double least = 0.06;
  constexpr double most = 0.25;
  constexpr double worth_moving = 1.1;
  auto fresh =
      contiguous_shares({0, positions}, speeds, std::clamp(exchange_fraction, least, most));
  const bool is_same_step = !shares_.empty() && shares_.back().last == positions &&
                            std::ranges::equal(machines_, machines);
  const bool is_worth_moving =
      is_same_step && time_of(shares_, speeds) > worth_moving * time_of(fresh, speeds);
  steps_worth_moving_ = is_worth_moving ? steps_worth_moving_ + 1 : 0;
  const bool stays = is_same_step && steps_worth_moving_ < patience &&
                     count_nodes(shares_, positions) <= count_nodes(fresh, positions);
  if (!stays) {
    machines_.assign(machines.begin(), machines.end());
    shares_ = std::move(fresh);
    steps_worth_moving_ = 0;
  }
  return shares_;
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
