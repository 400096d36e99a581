// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <mutex>
#include <new>
#include <utility>
#include <vector>

#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {

/// Buffers of key-value caches that are not used any more, for the next ones: the kernel takes
/// longer to give new memory than a token takes. For any thread.
class CacheBuffers {
 public:
  /// Of so many floats, with whatever they hold. @throws std::bad_alloc
  AlignedBuffer take(std::size_t size) {
    {
      const std::lock_guard lock(mutex_);
      if (!spare_.empty() && spare_.back().size() == size) {
        AlignedBuffer buffer = std::move(spare_.back());
        spare_.pop_back();
        return buffer;
      }
    }
    return AlignedBuffer(size);
  }

  /// Frees the buffer if there are enough, or no memory to list another one.
  void give_back(AlignedBuffer buffer) noexcept {
    const std::lock_guard lock(mutex_);
    if ((spare_.size() + 1) * buffer.size() * sizeof(float) <= most_bytes) {
      try {
        spare_.push_back(std::move(buffer));
      } catch (const std::bad_alloc&) {
      }
    }
  }

 private:
  static constexpr std::size_t most_bytes = std::size_t{256} << 20;

  std::mutex mutex_;  ///< guards what follows
  std::vector<AlignedBuffer> spare_;
};

}  // namespace nodezero::model
