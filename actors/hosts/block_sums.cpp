// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/block_sums.hpp"

#include <algorithm>
#include <utility>

#include "model/training/adamw.hpp"

namespace nodezero::actors {
namespace {

template <class Values>
Values block_in(Values values, std::size_t block) {
  const std::size_t begin = std::min(block * model::norm_block_size, values.size());
  return values.subspan(begin, std::min(model::norm_block_size, values.size() - begin));
}

}  // namespace

std::span<float> block_of(model::TensorSet& set, std::size_t block) {
  return block_in(set.values(), block);
}

std::span<const float> block_of(const model::TensorSet& set, std::size_t block) {
  return block_in(set.values(), block);
}

runtime::Floats view_of(const std::shared_ptr<GradientLease>& lease, std::size_t block) {
  const auto values = block_of(std::as_const(**lease), block);
  return {std::shared_ptr<const float>(lease, values.data()), values.size()};
}

BlockSums::Outcome BlockSums::put(std::size_t block, PositionRange node, runtime::Floats values,
                                  model::Gradient& sum) {
  if (block >= blocks_.size() || !tree_.contains(node) ||
      values.size() != block_of(sum, block).size()) {
    return Outcome::refused;
  }
  auto& [taken, held] = blocks_[block];
  const bool overlaps = std::ranges::any_of(taken, [&](const PositionRange& other) {
    return node.first < other.last && other.first < node.last;
  });
  if (overlaps) {
    return Outcome::refused;
  }
  taken.push_back(node);
  Part part{node, std::move(values), {}};
  while (part.range != tree_.root()) {
    const auto sibling = held.find(tree_.sibling(part.range)->first);
    if (sibling == held.end() || sibling->second.range != *tree_.sibling(part.range)) {
      held.emplace(part.range.first, std::move(part));
      return Outcome::held;
    }
    Part other = std::move(sibling->second);
    held.erase(sibling);
    if (other.range.first < part.range.first) {
      std::swap(part, other);
    }
    part = add(block, std::move(part), std::move(other));
  }
  std::ranges::copy(part.values(), block_of(sum, block).begin());
  return Outcome::complete;
}

BlockSums::Part BlockSums::add(std::size_t block, Part left, Part right) const {
  if (left.added.empty()) {
    left.added.assign(left.values().begin(), left.values().end());
    left.came = {};
  }
  left.range.last = right.range.last;
  additions_.add({step_, left.range.first, left.range.last}, block * model::norm_block_size,
                 left.added, right.values());
  return left;
}

}  // namespace nodezero::actors
