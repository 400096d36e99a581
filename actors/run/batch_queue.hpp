// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <map>
#include <mutex>
#include <vector>

#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// Batches that a host has submitted and no step has taken, in their order. A step gets the
/// same batches however often it asks, until a later step has asked: so a step that was
/// discarded is done again as it was. Thread-safe.
class BatchQueue {
 public:
  /// `bound`: batches that wait at most.
  BatchQueue(std::size_t bound, WhenFull when_full) : bound_(bound), when_full_(when_full) {}

  /// Fails with queue_full or closed. Without `may_wait` it does so where it would wait.
  Result<void> push(AnyValue batch, bool may_wait);

  /// Appends the step's `count` batches to `out`, or nothing and returns false if there are not
  /// as many yet. Steps ask in their order, at most one ahead of the one that is being done.
  bool take(std::uint64_t step, std::uint32_t count, std::vector<AnyValue>& out);

  /// Forgets all batches, those of steps as well.
  void clear();
  /// Whoever waits gets `closed`, now and later.
  void close();

  struct Counts {
    std::uint64_t waiting = 0;
    std::uint64_t dropped = 0;
  };
  Counts counts() const;

 private:
  mutable std::mutex mutex_;
  std::condition_variable has_room_;
  std::size_t bound_;
  WhenFull when_full_;
  std::deque<AnyValue> waiting_;
  std::map<std::uint64_t, std::vector<AnyValue>> taken_;  ///< by step; at most two
  std::uint64_t dropped_ = 0;
  bool is_closed_ = false;
};

}  // namespace nodezero::actors
