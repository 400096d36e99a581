// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>

#include "model/gpt2/continuation.hpp"
#include "model/gpt2/model_config.hpp"
#include "model/gpt2/version_decoder.hpp"
#include "model/training/generation_memory.hpp"

namespace nodezero::model {

/// Generates on one lane. What it makes of a version of the weights is kept by the continuations
/// that are taken forward, and goes with the last of them.
class TextGeneration {
 public:
  TextGeneration(const ModelConfig& config, std::shared_ptr<GenerationMemory> memory)
      : config_(config), memory_(std::move(memory)) {}

  std::unique_ptr<Continuation> continuation(std::span<const std::int32_t> prompt,
                                             const ContinuationOptions& options) const {
    return std::make_unique<Continuation>(config_, prompt, options);
  }
  void advance(const std::shared_ptr<const Parameters>& weights,
               std::span<Continuation* const> continuations, std::int64_t tokens) {
    auto version = version_.lock();
    if (!version || version->weights->values != weights) {
      version =
          std::make_shared<VersionDecoder>(config_, memory_->version(weights), memory_->caches());
      version_ = version;
    }
    model::advance(config_, version, continuations, tokens);
  }

 private:
  ModelConfig config_;
  std::shared_ptr<GenerationMemory> memory_;
  std::weak_ptr<VersionDecoder> version_;
};

}  // namespace nodezero::model
