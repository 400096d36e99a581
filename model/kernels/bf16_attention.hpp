// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "model/kernels/attention.hpp"
#include "model/kernels/matrix.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::model {

/// Floats of scratch that the functions below need, including that of the products.
std::size_t bf16_attention_scratch(const AttentionShape& shape);

/// Like attention() for qkv [B T, 3 H D] in bf16; probabilities are rounded before they are
/// multiplied by the values. attended [B T, H D] is fp32.
void attention(const AttentionShape& shape, float scale, Precision precision, ConstBf16Matrix qkv,
               const DropoutMask& mask, Matrix attended, Matrix log_sums, Vector scratch);

/// What forward kept, and the derivative with respect to attended, in fp32 and rounded.
struct Bf16AttentionInputs {
  ConstBf16Matrix qkv;              ///< [B T, 3 H D]
  ConstBf16Matrix attended;         ///< [B T, H D]
  ConstMatrix log_sums;             ///< [B H, T]
  ConstMatrix d_attended;           ///< [B T, H D]
  ConstBf16Matrix d_attended_bf16;  ///< [B T, H D]
};

/// Overwrites d_qkv [B T, 3 H D] with the derivative with respect to qkv, in fp32.
void attention_backward(const AttentionShape& shape, float scale, Precision precision,
                        const Bf16AttentionInputs& inputs, const DropoutMask& mask, Matrix d_qkv,
                        Vector scratch);

}  // namespace nodezero::model
