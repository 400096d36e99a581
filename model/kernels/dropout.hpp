// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/dropout_key.hpp"
#include "model/kernels/kernel_table.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/random.hpp"

namespace nodezero::model {

/// The places in the model where values are dropped.
enum class DropoutSite : std::uint32_t { embedding, attention, attention_residual, mlp_residual };

/// The dropout scales of one micro-batch at one site of one layer: a matrix with `columns` columns
/// and any number of rows. The scales are a pure function of the key, so backward recomputes those
/// it needs instead of storing them.
class DropoutMask {
 public:
  DropoutMask(const DropoutKey& key, double rate, std::int64_t layer, DropoutSite site,
              std::int64_t columns);

  /// False if the rate is 0: every scale is 1.
  bool active() const { return rate_ > 0; }

  /// What element (row, column) is multiplied by: 0 if dropped, else 1 / (1 - rate).
  double scale(Index row, Index column) const;

  /// scales[i] = scale(row, i), rounded to float.
  void row_scales(Index row, Vector scales) const;

  /// values[i] *= scale(row, i), rounded to float.
  void apply_to_row(Index row, Vector values) const;

 private:
  // A group of 64 columns takes 16 blocks of 4 words. Word w of block i belongs to column
  // 16 w + i, so that one vector register computes 16 adjacent columns.
  static constexpr Index group_columns = 64;
  static constexpr Index group_blocks = 16;

  /// The first block of a group of a row.
  std::uint64_t first_block(Index row, Index group) const {
    return (static_cast<std::uint64_t>(row) * groups_per_row_ + static_cast<std::uint64_t>(group)) *
           group_blocks;
  }

  KeyedRandom random_;
  double rate_;
  std::uint64_t groups_per_row_;
  Dropout kernel_;
};

}  // namespace nodezero::model
