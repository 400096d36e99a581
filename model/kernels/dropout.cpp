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

double DropoutMask::scale(std::int64_t row, std::int64_t column) const {
  if (!active()) {
    return 1.0;
  }
  const std::uint64_t group = static_cast<std::uint64_t>(row) * groups_per_row_ +
                              static_cast<std::uint64_t>(column / group_columns);
  const std::int64_t within = column % group_columns;
  const std::uint64_t block =
      group * group_blocks + static_cast<std::uint64_t>(within % group_blocks);
  const std::uint32_t word = random_.words(block)[static_cast<std::size_t>(within / group_blocks)];
  return word < threshold_ ? 0.0 : 1.0 / (1.0 - rate_);
}

NODEZERO_MULTIVERSION void DropoutMask::group_scales(std::int64_t row, std::int64_t group,
                                                     float* out) const {
  const std::uint64_t first =
      (static_cast<std::uint64_t>(row) * groups_per_row_ + static_cast<std::uint64_t>(group)) *
      group_blocks;
  const auto keep = static_cast<float>(1.0 / (1.0 - rate_));
  std::array<std::array<std::uint32_t, 16>, 4> words;
  random_.words_of_16(first, words);
  for (std::size_t word = 0; word < words.size(); ++word) {
#pragma omp simd
    for (std::size_t i = 0; i < 16; ++i) {
      out[16 * word + i] = words[word][i] < threshold_ ? 0.0f : keep;
    }
  }
}

void DropoutMask::row_scales(std::int64_t row, std::int64_t count, float* out) const {
  if (!active()) {
    std::fill_n(out, count, 1.0f);
    return;
  }
  float scales[group_columns];
  for (std::int64_t column = 0; column < count; column += group_columns) {
    group_scales(row, column / group_columns, scales);
    std::copy_n(scales, std::min(group_columns, count - column), out + column);
  }
}

NODEZERO_MULTIVERSION void DropoutMask::apply_to_row(std::int64_t row, std::int64_t count,
                                                     float* values) const {
  if (!active()) {
    return;
  }
  float scales[group_columns];
  for (std::int64_t column = 0; column < count; column += group_columns) {
    group_scales(row, column / group_columns, scales);
    const std::int64_t width = std::min(group_columns, count - column);
#pragma omp simd
    for (std::int64_t i = 0; i < width; ++i) {
      values[column + i] *= scales[i];
    }
  }
}

}  // namespace nodezero::model
