// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>

#include "model/gpt2/cache_buffers.hpp"
#include "model/gpt2/model_config.hpp"
#include "model/kernels/matrix.hpp"
#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {

/// The keys and values of a sequence's tokens, which later tokens attend to. Those of a head lie
/// together in the order in which a query meets them, since to read them is most of what attention
/// does here.
class KeyValueCache {
 public:
  /// Room for `context` tokens, in a buffer from `buffers` if there are any.
  explicit KeyValueCache(const ModelConfig& config,
                         std::shared_ptr<CacheBuffers> buffers = nullptr);
  ~KeyValueCache();
  KeyValueCache(const KeyValueCache&) = delete;
  KeyValueCache& operator=(const KeyValueCache&) = delete;
  /// What such a cache costs.
  static std::size_t bytes(const ModelConfig& config);

  /// Tokens in the cache.
  Index size() const { return size_; }
  void clear() { size_ = 0; }
  /// So many tokens have their keys and values.
  void add(Index tokens) { size_ += tokens; }

  /// Tokens whose keys stand side by side.
  static constexpr Index block = 64;

  /// The keys of a head's tokens from number * block on, each in a column: [D, block]. Values are
  /// floats, or numbers in bf16.
  template <class Value>
  MatrixMap<Value> keys(Index layer, Index head, Index number) {
    return {values_of<Value>() + ((layer * heads_ + head) * blocks_ + number) * width_ * block,
            width_, block};
  }
  /// The values of a head's tokens, each in a row: [T, D].
  template <class Value>
  MatrixMap<Value> values(Index layer, Index head) {
    return {values_of<Value>() + keys_size_ + (layer * heads_ + head) * context_ * width_, context_,
            width_};
  }

 private:
  template <class Value>
  Value* values_of() {
    return reinterpret_cast<Value*>(numbers_.data());
  }

  Index size_ = 0;
  Index heads_, width_, context_, blocks_;  ///< width_ is that of a head
  Index keys_size_;
  std::shared_ptr<CacheBuffers> buffers_;  ///< may be null
  AlignedBuffer numbers_;                  ///< all keys, then all values
};

}  // namespace nodezero::model
