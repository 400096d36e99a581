// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::apps {

/// Seconds taken by the matrix products of a training step alone: those of every linear layer and
/// of the output, forward and backward, with weights and gradients laid out in memory as in a
/// step, and `threads` micro-batches of `sequences` at a time. Excludes attention's products,
/// which are small. The minimum of a few rounds.
double measure_product_time(const model::ModelConfig& config, std::int64_t sequences,
                            std::uint32_t micro_batches, std::uint32_t threads,
                            model::Precision precision);

}  // namespace nodezero::apps
