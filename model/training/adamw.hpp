// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "model/tensors/tensor_set.hpp"
#include "nodezero/error.hpp"
#include "nodezero/optimizer_options.hpp"

namespace nodezero::model {

/// Fails with invalid_argument and the name of the first value that cannot work.
Result<void> validate(const OptimizerOptions& options);

/// Moments of AdamW (Loshchilov, Hutter: "Decoupled weight decay regularization",
/// ICLR 2019) and the number of steps that they hold.
struct OptimizerState {
  explicit OptimizerState(const std::shared_ptr<const TensorLayout>& layout)
      : first_moment(layout), second_moment(layout) {}
  TensorSet first_moment;
  TensorSet second_moment;
  std::uint64_t step = 0;
};

/// The learning rate of step `step` of `total_steps`, both counted over all epochs: linear
/// warm-up, then as the schedule says.
double learning_rate_at(const OptimizerOptions& options, std::uint64_t step,
                        std::uint64_t total_steps);

/// Floats in a block of the gradient norm. Optimizer shards end at block borders.
inline constexpr std::size_t norm_block_size = 65'536;

std::size_t norm_block_count(const TensorLayout& layout);

/// Writes the sums of squares of blocks [first, first + out.size()), in double.
void squared_norm_blocks(const TensorSet& gradient, std::size_t first, std::span<double> out);

/// Adds block sums along the canonical binary tree.
double sum_along_tree(std::span<const double> blocks);

/// What one update multiplies and adds; the same for all shards of a step.
struct UpdateScalars {
  std::uint64_t step = 1;  ///< 1 for the first update, as in AdamW's bias correction
  double learning_rate = 0;
  double gradient_scale = 1;  ///< clip coefficient / valid tokens
};

/// AdamW over blocks [first_block, last_block): reads `weights`, writes `next` (may be the
/// same set) and updates the moments in place. Decay on decayed tensors only.
void adamw_update(const OptimizerOptions& options, const UpdateScalars& scalars,
                  const TensorSet& gradient, const TensorSet& weights, TensorSet& next,
                  OptimizerState& state, std::size_t first_block, std::size_t last_block);

/// sum[i] += addend[i] over two ranges of one size.
void add_in_place(std::span<float> sum, std::span<const float> addend);

}  // namespace nodezero::model
