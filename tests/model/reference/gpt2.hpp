// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/dropout_key.hpp"
#include "model/tensors/micro_batch.hpp"

/// GPT-2 as its equations, in double. The tests hold the fast path against it, and it against
/// finite differences.
namespace nodezero::model::reference {

/// Sum of negative log likelihood over the valid tokens, in nats. `weights` is the flat
/// buffer of gpt2_layout(config). Dropout applies if config.dropout > 0.
double loss(const ModelConfig& config, std::span<const double> weights, const MicroBatch& batch,
            const DropoutKey& key);

/// The same, and overwrites `gradient` (of the same layout) with the derivative of the sum.
double loss_and_gradient(const ModelConfig& config, std::span<const double> weights,
                         const MicroBatch& batch, const DropoutKey& key,
                         std::span<double> gradient);

/// Logits [tokens, V] of one sequence, without dropout.
std::vector<double> logits(const ModelConfig& config, std::span<const double> weights,
                           std::span<const std::int32_t> tokens);

}  // namespace nodezero::model::reference
