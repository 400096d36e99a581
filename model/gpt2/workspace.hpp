// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/attention.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "model/tensors/micro_batch.hpp"

namespace nodezero::model {

/// Where in one buffer the activations of a micro-batch and the scratch of its passes lie.
/// M = B T rows. What backward can work out again from these at less cost than reading it
/// back from memory (normalised rows, GELU, probabilities, dropout masks) is not kept.
struct ActivationPlan {
  ActivationPlan(const ModelConfig& config, Precision precision, std::int64_t sequences,
                 std::int64_t context);

  AttentionShape attention;
  std::int64_t rows = 0;         ///< M
  std::int64_t logits_rows = 0;  ///< rows of logits at a time
  std::int64_t logits_stride = 0;

  // Offsets and sizes of one layer, in floats. In bf16, what is marked so is of that type, with
  // rows bf16_stride apart. Residual 2l enters block l, 2l + 1 is its middle.
  std::size_t residuals, residual_size;  ///< 2 L + 1 of [M, C]
  std::size_t moments, moments_size;     ///< 2 L + 1 of two [M]
  std::size_t qkv, qkv_size;             ///< L of [M, 3C] (bf16)
  std::size_t attended, attended_size;   ///< L of [M, C] (bf16)
  std::size_t log_sums, log_sums_size;   ///< L of [B, H, T]
  std::size_t wide, wide_size;           ///< L of [M, 4C] (bf16), before GELU
  // Scratch of the layer at hand.
  std::size_t branch, d_residual, d_normed;  ///< [M, C]
  std::size_t d_wide;                        ///< [M, 4C]
  std::size_t logits;                        ///< [logits_rows, V]
  std::size_t attention_scratch;
  // In fp32 alone.
  std::size_t normed = 0;     ///< [M, C]
  std::size_t activated = 0;  ///< [M, 4C]
  // In bf16 alone.
  std::size_t narrow_normed = 0, narrow_branch = 0;     ///< [M, C] (bf16)
  std::size_t narrow_activated = 0, narrow_d_wide = 0;  ///< [M, 4C] (bf16)
  std::size_t row_scratch = 0, row_scratch_size = 0;    ///< two of [4C]
  std::size_t product_scratch = 0;

  std::size_t total = 0;  ///< floats
};

struct Workspace::State {
  /// Makes room for a micro-batch of that shape and looks up the tensors of the layout,
  /// if they are not at hand from the call before.
  void prepare(const ModelConfig& config, const std::shared_ptr<const TensorLayout>& layout,
               std::int64_t sequences, std::int64_t context);

  float* at(std::size_t offset) { return buffer.data() + offset; }
  float* at(std::size_t offset, std::size_t size, std::int64_t layer) {
    return buffer.data() + offset + static_cast<std::size_t>(layer) * size;
  }
  float* residual(std::int64_t index) { return at(plan->residuals, plan->residual_size, index); }
  RowMoments moments(std::int64_t index) {
    float* mean = at(plan->moments, plan->moments_size, index);
    return {mean, mean + plan->moments_size / 2};
  }

  Precision precision = Precision::fp32;
  AlignedBuffer buffer;
  ModelConfig config;
  std::shared_ptr<const TensorLayout> layout;
  std::optional<Gpt2Offsets> offsets;
  std::optional<ActivationPlan> plan;
  std::chrono::steady_clock::time_point forward_end;
};

}  // namespace nodezero::model
