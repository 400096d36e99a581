// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// How matrix products round their factors and add up (docs/arithmetic.md). Sums, weights, moments,
/// softmax, LayerNorm and losses are fp32 (or double) in all cases.
enum class Precision : std::uint8_t { fp32, bf16, bf16_tile };

}  // namespace nodezero::model
