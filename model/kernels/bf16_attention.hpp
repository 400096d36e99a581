// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "model/kernels/attention.hpp"
#include "model/kernels/bf16.hpp"

namespace nodezero::model {

/// Floats of scratch that the functions below need, that of the products included.
std::size_t bf16_attention_scratch(const AttentionShape& shape);

/// As attention(), with factors of products in bf16: qkv [B T, 3 H D] has rows bf16_stride(3 H D)
/// apart, probabilities are rounded for the product with the values. attended [B T, H D] is
/// fp32.
void attention(const AttentionShape& shape, const Bf16* qkv, const DropoutMask& mask,
               float* attended, float* log_sums, float* scratch);

/// What forward kept and what comes from above, for backward: d_attended in fp32 and rounded.
struct Bf16AttentionInputs {
  const Bf16* qkv;
  const Bf16* attended;  ///< [B T, H D], rows bf16_stride(H D) apart, as d_attended_bf16
  const float* log_sums;
  const float* d_attended;
  const Bf16* d_attended_bf16;
};

/// Overwrites d_qkv [B T, 3 H D], fp32, with the derivative with respect to qkv.
void attention_backward(const AttentionShape& shape, const Bf16AttentionInputs& inputs,
                        const DropoutMask& mask, float* d_qkv, float* scratch);

}  // namespace nodezero::model
