// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>

#include "model/gpt2/continuation.hpp"
#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::model {

/// Generates on one lane. What it makes of a version of the weights is kept by the continuations
/// that are taken forward, and goes with the last of them.
class TextGeneration {
 public:
  TextGeneration(const ModelConfig& config, Precision precision)
      : config_(config), precision_(precision) {}

  std::unique_ptr<Continuation> continuation(std::span<const std::int32_t> prompt,
                                             const ContinuationOptions& options) const {
    return std::make_unique<Continuation>(config_, prompt, options);
  }
  void advance(const std::shared_ptr<const Parameters>& weights,
               std::span<Continuation* const> continuations, std::int64_t tokens) {
    auto version = version_.lock();
    if (!version || version->weights.values != weights) {
      version = std::make_shared<VersionDecoder>(config_, weights, precision_);
      version_ = version;
    }
    model::advance(config_, version, continuations, tokens);
  }

 private:
  ModelConfig config_;
  Precision precision_;
  std::weak_ptr<VersionDecoder> version_;
};

}  // namespace nodezero::model
