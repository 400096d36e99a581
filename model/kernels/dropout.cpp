// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/dropout.hpp"

#include <algorithm>
#include <array>
#include <cstddef>

#include "model/kernels/multiversion.hpp"

namespace nodezero::model {
namespace {

/// Every site of every layer of every micro-batch of a step has a number of its own, for
/// fewer than 2^32 layers and sites and 2^32 micro-batches.
std::uint64_t subplace(std::uint64_t position, std::int64_t layer, DropoutSite site) {
  return position << 32 |
         (static_cast<std::uint64_t>(layer) * 4 + static_cast<std::uint64_t>(site));
}

}  // namespace

DropoutMask::DropoutMask(const DropoutKey& key, double rate, std::int64_t layer, DropoutSite site,
                         std::int64_t columns)
    : random_(key.seed, RandomPurpose::dropout, key.step, subplace(key.position, layer, site)),
      rate_(rate),
      groups_per_row_(static_cast<std::uint64_t>((columns + group_columns - 1) / group_columns)),
      threshold_(static_cast<std::uint32_t>(rate * 0x1.0p32)) {}

double DropoutMask::scale(Index row, Index column) const {
  if (!active()) {
    return 1.0;
  }
  const std::uint64_t group = static_cast<std::uint64_t>(row) * groups_per_row_ +
                              static_cast<std::uint64_t>(column / group_columns);
  const Index within = column % group_columns;
  const std::uint64_t block =
      group * group_blocks + static_cast<std::uint64_t>(within % group_blocks);
  const std::uint32_t word = random_.words(block)[static_cast<std::size_t>(within / group_blocks)];
  return word < threshold_ ? 0.0 : 1.0 / (1.0 - rate_);
}

NODEZERO_MULTIVERSION void DropoutMask::group_scales(Index row, Index group, float* scales) const {
  const std::uint64_t first =
      (static_cast<std::uint64_t>(row) * groups_per_row_ + static_cast<std::uint64_t>(group)) *
      group_blocks;
  const auto keep = static_cast<float>(1.0 / (1.0 - rate_));
  std::array<std::array<std::uint32_t, 16>, 4> words;
  random_.words_of_16(first, words);
  for (std::size_t word = 0; word < words.size(); ++word) {
#pragma omp simd
    for (std::size_t i = 0; i < 16; ++i) {
      scales[16 * word + i] = words[word][i] < threshold_ ? 0.0f : keep;
    }
  }
}

void DropoutMask::row_scales(Index row, Vector scales) const {
  if (!active()) {
    scales.setOnes();
    return;
  }
  float group[group_columns];
  for (Index column = 0; column < scales.size(); column += group_columns) {
    group_scales(row, column / group_columns, group);
    std::copy_n(group, std::min(group_columns, scales.size() - column), scales.data() + column);
  }
}

NODEZERO_MULTIVERSION void DropoutMask::apply_to_row(Index row, Vector values) const {
  if (!active()) {
    return;
  }
  float group[group_columns];
  for (Index column = 0; column < values.size(); column += group_columns) {
    group_scales(row, column / group_columns, group);
    float* const to = values.data() + column;
    const Index width = std::min(group_columns, values.size() - column);
#pragma omp simd
    for (Index i = 0; i < width; ++i) {
      to[i] *= group[i];
    }
  }
}

}  // namespace nodezero::model
