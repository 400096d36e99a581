// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/random.hpp"

namespace nodezero::model {

/// Where a micro-batch stands in its run; keys its dropout masks.
struct DropoutKey {
  std::uint64_t seed = 0;
  std::uint64_t step = 0;      ///< optimizer steps before this one, over all epochs
  std::uint64_t position = 0;  ///< canonical position in the step
};

/// Where in a block values are dropped.
enum class DropoutSite : std::uint32_t { embedding, attention, attention_residual, mlp_residual };

/// The mask of one site in one layer for one micro-batch, a matrix of rows of `columns`
/// values. A mask is a pure function of its key, so backward works it out again instead of
/// storing it, and any part of it can be asked for.
class DropoutMask {
 public:
  DropoutMask(const DropoutKey& key, double rate, std::int64_t layer, DropoutSite site,
              std::int64_t columns);

  /// False when the rate is 0: every scale is 1.
  bool active() const { return rate_ > 0; }

  /// What element (row, column) is multiplied by: 0 if dropped, else 1 / (1 - rate).
  double scale(std::int64_t row, std::int64_t column) const;

  /// Writes the scales of the first `count` columns of a row, the same as scale() rounded
  /// to float.
  void row_scales(std::int64_t row, std::int64_t count, float* out) const;

  /// values[i] *= scale of (row, i) for the first `count` columns.
  void apply_to_row(std::int64_t row, std::int64_t count, float* values) const;

 private:
  // A group of 64 columns takes 16 blocks of 4 words; word w of block i belongs to column
  // 16 w + i, which lets 16 neighbouring columns be worked out in one vector register.
  static constexpr std::int64_t group_columns = 64;
  static constexpr std::int64_t group_blocks = 16;

  void group_scales(std::int64_t row, std::int64_t group, float* out) const;

  KeyedRandom random_;
  double rate_;
  std::uint64_t groups_per_row_;
  std::uint32_t threshold_;  ///< words below it drop
};

}  // namespace nodezero::model
