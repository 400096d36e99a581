// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/kernels/dropout.hpp"

namespace nodezero::model {

/// The sizes of one layer's causal attention: B sequences of T tokens, H heads of D channels.
struct AttentionShape {
  std::int64_t sequences = 0;   ///< B
  std::int64_t context = 0;     ///< T
  std::int64_t heads = 0;       ///< H
  std::int64_t head_width = 0;  ///< D

  /// Floats of scratch that the functions below need: two tiles of scores of a block of
  /// queries, never T x T for all heads.
  std::size_t scratch_size() const;
};

/// For each sequence and head: attended = (softmax(q k^T / sqrt(D), u <= t) * mask) v.
/// qkv [B T, 3 H D] holds queries, keys and values of all heads in this order; attended is
/// [B T, H D]. Writes to log_sums [B, H, T] the logarithms of the sums of exponentials, from
/// which backward works out the probabilities again. `mask` has B H T rows of T columns.
void attention(const AttentionShape& shape, const float* qkv, const DropoutMask& mask,
               float* attended, float* log_sums, float* scratch);

/// Overwrites d_qkv with the derivative with respect to qkv. (Working out probabilities
/// again, block by block: Dao et al., "FlashAttention", NeurIPS 2022.)
void attention_backward(const AttentionShape& shape, const float* d_attended, const float* qkv,
                        const float* attended, const float* log_sums, const DropoutMask& mask,
                        float* d_qkv, float* scratch);

}  // namespace nodezero::model
