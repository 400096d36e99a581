// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdlib>
#include <mutex>
#include <new>

namespace nodezero::actors {

/// While one lives, the process keeps some memory back. Where operator new finds none, that is
/// given back and the request tried again. So a message always has room, in CAF as well, whose
/// actors cannot do without, and what is large fails with std::bad_alloc in the call that wants it.
/// A host's own new-handler is asked when there is nothing left to be given back.
class MemoryReserve {
 public:
  MemoryReserve() {
    const std::lock_guard lock(mutex_);
    if (users_++ == 0) {
      hosts_ = std::set_new_handler(give_back);
    }
    refill();
  }
  ~MemoryReserve() {
    const std::lock_guard lock(mutex_);
    if (--users_ == 0) {
      if (std::get_new_handler() == give_back) {
        std::set_new_handler(hosts_);
      }
      std::free(kept_.exchange(nullptr));
    }
  }
  MemoryReserve(const MemoryReserve&) = delete;
  MemoryReserve& operator=(const MemoryReserve&) = delete;

  /// Keeps memory back again, if there is some.
  static void refill() noexcept {
    if (kept_.load(std::memory_order_relaxed) == nullptr) {
      void* none = nullptr;
      void* const block = std::malloc(size);
      if (!kept_.compare_exchange_strong(none, block)) {
        std::free(block);
      }
    }
  }

 private:
  static constexpr std::size_t size = std::size_t{256} << 10;

  static void give_back() {
    if (void* const block = kept_.exchange(nullptr)) {
      std::free(block);
    } else if (const std::new_handler hosts = hosts_) {
      hosts();
    } else {
      throw std::bad_alloc();
    }
  }

  static inline std::mutex mutex_;
  static inline std::size_t users_ = 0;
  static inline std::atomic<std::new_handler> hosts_ = nullptr;
  static inline std::atomic<void*> kept_ = nullptr;
};

}  // namespace nodezero::actors
