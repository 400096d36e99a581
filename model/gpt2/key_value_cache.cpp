// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/key_value_cache.hpp"

#include <utility>

namespace nodezero::model {
namespace {

Index blocks_of(const ModelConfig& config) {
  return (config.context + KeyValueCache::block - 1) / KeyValueCache::block;
}

Index keys_size(const ModelConfig& config) {
  return config.layers * config.width * blocks_of(config) * KeyValueCache::block;
}

}  // namespace

std::size_t KeyValueCache::bytes(const ModelConfig& config) {
  const Index values = config.layers * config.width * config.context;
  return static_cast<std::size_t>(keys_size(config) + values) * sizeof(float);
}

KeyValueCache::KeyValueCache(const ModelConfig& config, std::shared_ptr<CacheBuffers> buffers)
    : heads_(config.heads),
      width_(config.head_width()),
      context_(config.context),
      blocks_(blocks_of(config)),
      keys_size_(keys_size(config)),
      buffers_(std::move(buffers)) {
  const std::size_t size = bytes(config) / sizeof(float);
  numbers_ = buffers_ ? buffers_->take(size) : AlignedBuffer(size);
}

KeyValueCache::~KeyValueCache() {
  if (buffers_) {
    buffers_->give_back(std::move(numbers_));
  }
}

}  // namespace nodezero::model
