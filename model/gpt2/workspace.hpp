// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <memory>
#include <optional>
#include <vector>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/attention.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix.hpp"
#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {

/// Hands out parts of one buffer, each on a 64-byte boundary. Without a buffer it hands out views
/// of nothing, and used() tells how large the buffer has to be.
class Arena {
 public:
  explicit Arena(float* buffer) : buffer_(buffer) {}

  Vector vector(Index size) { return {take(size), size}; }
  Matrix matrix(Index rows, Index columns) { return matrix(rows, columns, columns); }
  Matrix matrix(Index rows, Index columns, Index stride) {
    return {take(rows * stride), rows, columns, stride};
  }
  /// Rows bf16_stride(columns) apart.
  Bf16Matrix bf16_matrix(Index rows, Index columns);

  std::size_t used() const { return used_; }  ///< floats

 private:
  float* take(Index floats);

  float* buffer_;
  std::size_t used_ = 0;
};

/// How many of the rows of a micro-batch get their logits computed at a time.
Index logits_rows(Index rows, Index vocabulary);

/// The activations of a micro-batch and the scratch of its passes: M = B T rows, L layers, I
/// channels inside the MLP.
/// Forward does not keep what backward recomputes faster than memory could deliver it: normalised
/// rows, the activation of the MLP, attention probabilities and dropout masks.
struct Activations {
  AttentionShape attention;

  // Kept for every layer. Residual 2l enters block l, 2l + 1 is its middle. What only products read
  // has the pass's precision: either the fp32 matrix exists or the narrow one, in bf16.
  std::vector<Matrix> residuals;            ///< 2L + 1 of [M, C]
  std::vector<RowMoments> moments;          ///< 2L + 1 of [M]
  std::vector<Matrix> qkv;                  ///< L of [M, 3C]
  std::vector<Bf16Matrix> narrow_qkv;       ///< L of [M, 3C]
  std::vector<Matrix> attended;             ///< L of [M, C]
  std::vector<Bf16Matrix> narrow_attended;  ///< L of [M, C]
  std::vector<Matrix> log_sums;             ///< L of [B H, T]
  std::vector<Matrix> wide;                 ///< L of [M, I], before the activation
  std::vector<Bf16Matrix> narrow_wide;      ///< L of [M, I], before the activation

  // Scratch of the current layer.
  Matrix branch, d_residual, d_normed;  ///< [M, C]
  Matrix d_wide;                        ///< [M, I]
  Matrix d_qkv;                         ///< [M, 3C], in the place of d_wide
  Matrix logits;                        ///< [logits_rows(), V]

  // The same, only in fp32.
  Matrix normed;     ///< [M, C]
  Matrix activated;  ///< [M, I]

  // The same, only in bf16.
  Bf16Matrix narrow_normed, narrow_branch;     ///< [M, C]
  Bf16Matrix narrow_activated, narrow_d_wide;  ///< [M, I]
  Bf16Matrix narrow_d_qkv;                     ///< [M, 3C], in the place of narrow_d_wide
  Vector normed_row;                           ///< [C]
  Vector wide_row, activated_row;              ///< [I]

  Vector products, attention_scratch;
};

/// The activations of `sequences` sequences of `context` tokens, taken from the arena.
Activations activations_in(Arena& arena, const ModelConfig& config, Precision precision,
                           Index sequences, Index context);

struct Workspace::State {
  /// Makes room for a micro-batch of that shape and looks up the tensors of the layout, unless the
  /// previous call has done so.
  void prepare(const ModelConfig& config, const std::shared_ptr<const TensorLayout>& layout,
               Index sequences, Index context);

  Precision precision = Precision::fp32;
  AlignedBuffer buffer;
  ModelConfig config;
  std::shared_ptr<const TensorLayout> layout;
  std::optional<Gpt2Places> places;
  std::optional<Activations> activations;
  std::chrono::steady_clock::time_point forward_end;
};

}  // namespace nodezero::model
