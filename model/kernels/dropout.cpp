// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/dropout.hpp"

#include <algorithm>
#include <cstddef>

#include "model/kernels/kernels.hpp"

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
      kernel_{.key = {random_.key()[0], random_.key()[1]},
              .prefix = {random_.prefix()[0], random_.prefix()[1]},
              .threshold = static_cast<std::uint32_t>(rate * 0x1.0p32),
              .keep = static_cast<float>(1.0 / (1.0 - rate))} {}

double DropoutMask::scale(Index row, Index column) const {
  if (!active()) {
    return 1.0;
  }
  const Index within = column % group_columns;
  const std::uint64_t block =
      first_block(row, column / group_columns) + static_cast<std::uint64_t>(within % group_blocks);
  const std::uint32_t word = random_.words(block)[static_cast<std::size_t>(within / group_blocks)];
  return word < kernel_.threshold ? 0.0 : 1.0 / (1.0 - rate_);
}

void DropoutMask::row_scales(Index row, Vector scales) const {
  if (!active()) {
    scales.setOnes();
    return;
  }
  const KernelTable& table = kernels();
  float group[group_columns];
  for (Index column = 0; column < scales.size(); column += group_columns) {
    table.dropout_scales(kernel_, first_block(row, column / group_columns), group);
    std::copy_n(group, std::min(group_columns, scales.size() - column), scales.data() + column);
  }
}

void DropoutMask::apply_to_row(Index row, Vector values) const {
  if (active()) {
    kernels().apply_dropout(kernel_, first_block(row, 0), values.size(), values.data());
  }
}

}  // namespace nodezero::model
