// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <mutex>
#include <vector>

#include "model/gpt2/cache_buffers.hpp"
#include "model/gpt2/decoder_weights.hpp"

namespace nodezero::model {

/// What all lanes that generate from a model share. For any thread.
class GenerationMemory {
 public:
  explicit GenerationMemory(Precision precision) : precision_(precision) {}

  /// A version in the forms that generation reads, the same for all as long as anybody holds it.
  std::shared_ptr<DecoderWeights> version(const std::shared_ptr<const Parameters>& weights) {
    const std::lock_guard lock(mutex_);
    for (const auto& each : versions_) {
      if (auto found = each.lock(); found && found->values == weights) {
        return found;
      }
    }
    std::erase_if(versions_, [](const auto& each) { return each.expired(); });
    auto made = std::make_shared<DecoderWeights>(weights, precision_);
    versions_.push_back(made);
    return made;
  }

  const std::shared_ptr<CacheBuffers>& caches() const { return caches_; }

 private:
  const Precision precision_;
  const std::shared_ptr<CacheBuffers> caches_ = std::make_shared<CacheBuffers>();
  std::mutex mutex_;  ///< guards what follows
  std::vector<std::weak_ptr<DecoderWeights>> versions_;
};

}  // namespace nodezero::model
