// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "model/kernels/dropout.hpp"
#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// The sizes of one layer's causal attention: B sequences of T tokens, H heads of D channels.
struct AttentionShape {
  Index sequences = 0;   ///< B
  Index context = 0;     ///< T
  Index heads = 0;       ///< H
  Index head_width = 0;  ///< D

  /// Floats of scratch that the functions below need: two tiles of scores for one block of
  /// queries, never T x T for all heads.
  std::size_t scratch_size() const;
};

/// For each sequence and head: attended = (softmax(q k^T scale, u <= t) * mask) v.
/// qkv [B T, 3 H D] holds the queries of all heads, then the keys, then the values; attended is
/// [B T, H D]. log_sums [B H, T] receives the logarithms of the sums of exponentials, from which
/// backward recomputes the probabilities. `mask` has B H T rows of T columns.
void attention(const AttentionShape& shape, float scale, ConstMatrix qkv, const DropoutMask& mask,
               Matrix attended, Matrix log_sums, Vector scratch);

/// Overwrites d_qkv [B T, 3 H D] with the derivative with respect to qkv; d_attended is
/// [B T, H D]. (Recomputing probabilities block by block: Dao et al., "FlashAttention",
/// NeurIPS 2022.)
void attention_backward(const AttentionShape& shape, float scale, ConstMatrix d_attended,
                        ConstMatrix qkv, ConstMatrix attended, ConstMatrix log_sums,
                        const DropoutMask& mask, Matrix d_qkv, Vector scratch);

}  // namespace nodezero::model
