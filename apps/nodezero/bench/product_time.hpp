// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::apps {

/// Seconds that the matrix products of a training step alone take: those of every linear layer
/// and of the output, forward and backward, on weights and gradients that lie in memory as a
/// step's do, `threads` micro-batches of `sequences` at a time. Attention's products, which are
/// small, are not among them. The least of a few rounds.
double measure_product_time(const model::ModelConfig& config, std::int64_t sequences,
                            std::uint32_t micro_batches, std::uint32_t threads,
                            model::Precision precision);

}  // namespace nodezero::apps
