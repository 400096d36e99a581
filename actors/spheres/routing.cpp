// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/routing.hpp"

#include <algorithm>
#include <numeric>
#include <tuple>

namespace nodezero::actors {
namespace {

// Exact shares by cumulative rounding: they sum to `count`, and with at least as many
// micro-batches as workers each child gets at least one for each of its workers. With
// fewer, affinity chooses freely among children, one for each of their workers at most.
std::vector<std::uint32_t> capacities(std::uint64_t count, std::span<const RoutingTarget> targets) {
  std::uint64_t workers = 0;
  for (const auto& target : targets) {
    workers += target.workers;
  }
  std::vector<std::uint32_t> result;
  std::uint64_t before = 0;
  for (const auto& target : targets) {
    const std::uint64_t after = before + target.workers;
    const std::uint64_t share = count * after / workers - count * before / workers;
    result.push_back(static_cast<std::uint32_t>(count < workers ? target.workers : share));
    before = after;
  }
  return result;
}

}  // namespace

Router::Router(RoutingPolicy policy, std::uint32_t symmetry, std::uint32_t level,
               std::span<const double> token_frequencies)
    : policy_(policy), symmetry_(symmetry), divisor_(1), average_(symmetry, 0.0) {
  // Beyond 32 bits every token is in group 0 anyway.
  for (std::uint32_t i = 0; i < level && divisor_ < (std::uint64_t{1} << 32); ++i) {
    divisor_ *= symmetry;
  }
  double total = 0;
  for (std::size_t token = 0; token < token_frequencies.size(); ++token) {
    average_[group_of(static_cast<std::int32_t>(token))] += token_frequencies[token];
    total += token_frequencies[token];
  }
  for (double& share : average_) {
    share = total > 0 ? share / total : 1.0 / symmetry;
  }
}

std::uint32_t Router::group_of(std::int32_t token) const {
  return static_cast<std::uint32_t>(static_cast<std::uint64_t>(token) / divisor_ % symmetry_);
}

std::vector<std::uint32_t> Router::affinity(const model::MicroBatch& batch) const {
  std::vector<std::uint32_t> counts(symmetry_, 0);
  for (std::size_t i = 0; i < batch.inputs.size(); ++i) {
    if (batch.targets[i] != model::ignored_target) {
      ++counts[group_of(batch.inputs[i])];
    }
  }
  return counts;
}

std::vector<std::uint32_t> Router::route(const StepBatches& batches,
                                         std::span<const std::uint32_t> positions,
                                         std::span<const RoutingTarget> targets) const {
  if (targets.size() == 1) {
    return std::vector<std::uint32_t>(positions.size(), 0);
  }
  if (policy_ == RoutingPolicy::balanced) {
    return route_balanced(batches, positions, targets);
  }
  std::vector<std::uint32_t> result(positions.size());
  if (policy_ == RoutingPolicy::round_robin) {
    for (std::size_t i = 0; i < positions.size(); ++i) {
      result[i] = static_cast<std::uint32_t>(i % targets.size());
    }
    return result;
  }
  for (std::size_t i = 0; i < positions.size(); ++i) {
    const auto counts = affinity(batches.at(positions[i]));
    const auto group =
        static_cast<std::uint32_t>(std::max_element(counts.begin(), counts.end()) - counts.begin());
    const auto owner = std::find_if(targets.begin(), targets.end(), [group](const auto& target) {
      return group >= target.first_group && group < target.last_group;
    });
    result[i] = static_cast<std::uint32_t>(owner - targets.begin());
  }
  return result;
}

std::vector<std::uint32_t> Router::route_balanced(const StepBatches& batches,
                                                  std::span<const std::uint32_t> positions,
                                                  std::span<const RoutingTarget> targets) const {
  struct Candidate {
    double excess;  // share of the child's best group above the corpus average
    std::uint32_t index;
    std::uint32_t child;
  };
  std::vector<Candidate> candidates;
  candidates.reserve(positions.size() * targets.size());
  for (std::uint32_t i = 0; i < positions.size(); ++i) {
    const auto counts = affinity(batches.at(positions[i]));
    const double total = std::accumulate(counts.begin(), counts.end(), 0.0);
    for (std::uint32_t child = 0; child < targets.size(); ++child) {
      double best = -1.0;
      for (std::uint32_t g = targets[child].first_group; g < targets[child].last_group; ++g) {
        best = std::max(best, (total > 0 ? counts[g] / total : 0.0) - average_[g]);
      }
      candidates.push_back({best, i, child});
    }
  }
  std::sort(candidates.begin(), candidates.end(), [](const Candidate& a, const Candidate& b) {
    return std::tuple(-a.excess, a.index, a.child) < std::tuple(-b.excess, b.index, b.child);
  });
  constexpr auto unassigned = static_cast<std::uint32_t>(-1);
  std::vector<std::uint32_t> result(positions.size(), unassigned);
  auto room = capacities(positions.size(), targets);
  for (const auto& candidate : candidates) {
    if (result[candidate.index] == unassigned && room[candidate.child] > 0) {
      result[candidate.index] = candidate.child;
      --room[candidate.child];
    }
  }
  return result;
}

}  // namespace nodezero::actors
