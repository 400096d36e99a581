// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/step_reduction.hpp"

#include <algorithm>
#include <cassert>
#include <utility>

namespace nodezero::actors {

StepReduction::StepReduction(PositionTree tree, std::vector<std::uint32_t> mine)
    : tree_(tree), mine_(std::move(mine)), arrived_(mine_.size(), false) {
  assert(std::is_sorted(mine_.begin(), mine_.end()));
}

std::size_t StepReduction::index_of(std::uint32_t position) const {
  return std::lower_bound(mine_.begin(), mine_.end(), position) - mine_.begin();
}

bool StepReduction::wholly_mine(PositionRange range) const {
  const std::size_t first = index_of(range.first);
  const std::size_t last = first + range.size() - 1;
  return last < mine_.size() && mine_[first] == range.first && mine_[last] == range.last - 1;
}

bool StepReduction::acceptable(PositionRange range) const {
  if (!tree_.contains(range) || !wholly_mine(range)) {
    return false;
  }
  const auto first = arrived_.begin() + static_cast<std::ptrdiff_t>(index_of(range.first));
  return std::none_of(first, first + range.size(), [](bool arrived) { return arrived; });
}

StepReduction::Outcome StepReduction::put(Partial part) {
  assert(acceptable(part.range));
  const auto first = arrived_.begin() + static_cast<std::ptrdiff_t>(index_of(part.range.first));
  std::fill(first, first + part.range.size(), true);
  return place(std::move(part));
}

StepReduction::Outcome StepReduction::put_combined(Partial sum) {
  return place(std::move(sum));
}

StepReduction::Outcome StepReduction::place(Partial part) {
  const auto sibling = tree_.sibling(part.range);
  if (!sibling || !wholly_mine(*sibling)) {
    passed_up_ += part.range.size();
    return PassUp{std::move(part)};
  }
  const auto held = held_.find(sibling->first);
  if (held == held_.end() || held->second.range != *sibling) {
    held_.emplace(part.range.first, std::move(part));
    return Held{};
  }
  Partial other = std::move(held->second);
  held_.erase(held);
  if (part.range.first < other.range.first) {
    return Combine{std::move(part), std::move(other)};
  }
  return Combine{std::move(other), std::move(part)};
}

bool StepReduction::arrived(std::uint32_t position) const {
  const std::size_t i = index_of(position);
  return i < mine_.size() && mine_[i] == position && arrived_[i];
}

}  // namespace nodezero::actors
