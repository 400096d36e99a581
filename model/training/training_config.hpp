// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::model {

/// What sums of gradients are rounded to, so that fewer bytes of them cross between machines.
enum class ExchangePrecision : std::uint8_t { fp32, bf16 };

/// Everything that the bits of the weights may depend on beside the data: the part of a
/// run's configuration that must not change on resume.
struct TrainingConfig {
  ModelConfig model;
  OptimizerOptions optimizer{.warmup = 100, .weight_decay = 0.1};
  Precision precision = Precision::fp32;
  ExchangePrecision exchange = ExchangePrecision::fp32;
  std::uint32_t exchange_from = 2;  ///< positions of the smallest nodes that `exchange` rounds
  std::uint32_t sequences = 6;      ///< windows in a micro-batch
  std::uint32_t micro_batches = 2;  ///< in a step
  std::uint64_t seed = 1337;
  std::uint64_t epochs = 1;
  std::uint64_t steps = 0;  ///< over all epochs; 0: as many as the epochs have

  friend bool operator==(const TrainingConfig&, const TrainingConfig&) = default;
};

/// Fails with invalid_argument and one line that quotes the name of the value that cannot work and
/// says what to choose instead.
Result<void> validate(const TrainingConfig& config);

}  // namespace nodezero::model
