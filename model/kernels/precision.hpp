// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The type of the factors of matrix products. Sums, weights, moments, softmax, LayerNorm and
/// losses are fp32 (or double) in both cases.
enum class Precision : std::uint8_t { fp32, bf16 };

/// Fails with invalid_argument if this processor or operating system lacks the instructions that
/// the precision needs. bf16 has no fallback: emulated, it would take ten times as long as fp32.
Result<void> check_processor(Precision precision);

}  // namespace nodezero::model
