// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <mutex>
#include <vector>

#include "nodezero/trainer.hpp"
#include "runtime/caf.hpp"

namespace nodezero::actors {

/// queue -> feed: the batches that it waits for have come.
struct batches_arrived {};

/// Batches that a host has submitted and no step has taken, in their order. A step gets the
/// same batches however often it asks, until a later step has asked: so a step that was
/// discarded is done again as it was. Thread-safe, and no call waits.
class BatchQueue {
 public:
  /// Called once with what became of a batch.
  using Settle = std::function<void(Result<void>)>;

  /// `bound`: most batches that wait. Without `tells_at_once` the feed is told of batches by
  /// tell_feed alone, because only one thread may send to it.
  BatchQueue(std::size_t bound, WhenFull when_full, bool tells_at_once)
      : bound_(bound), when_full_(when_full), tells_at_once_(tells_at_once) {}

  /// Fails with queue_full or closed.
  Result<void> push(const AnyValue& batch);
  /// The same, but a batch that finds no room waits for it, in order of arrival. `settle` is called
  /// here, or later by whoever makes room, or by end() or close().
  void push_when_room(const AnyValue& batch, Settle settle);

  /// From now on only this actor takes batches. `forgets`: drops all that were submitted before,
  /// including those of steps.
  void begin(const caf::actor& feed, bool forgets);
  /// Training has ended: who waits for room gets queue_full, now and until it begins again.
  void end();
  /// Who waits for room gets `closed`, and so does whoever submits later.
  void close();

  /// Appends the step's `count` batches to `out`, or nothing and returns false if there are not
  /// as many yet; then the feed is told when there are. Steps ask in order, at most one ahead of
  /// the one that is being done.
  bool take(caf::actor_id feed, std::uint64_t step, std::uint32_t count,
            std::vector<AnyValue>& out);
  /// Tells the feed if the batches that it waits for have come.
  void tell_feed();

  struct Counts {
    std::uint64_t waiting = 0;
    std::uint64_t dropped = 0;
  };
  Counts counts() const;
  /// For checkers of schedules: what a later call could notice.
  std::uint64_t state_digest() const;

 private:
  struct Submitter {
    AnyValue batch;
    Settle settle;
  };
  Result<void> try_push(const AnyValue& batch);
  void tell_feed_of_enough();
  std::deque<Submitter> let_in();
  static void tell(const std::deque<Submitter>& submitters, const Result<void>& outcome);
  tl::unexpected<Error> no_room() const;

  const std::size_t bound_;
  const WhenFull when_full_;
  const bool tells_at_once_;

  mutable std::mutex mutex_;  ///< guards what follows
  caf::actor feed_;
  std::size_t wanted_ = 0;  ///< batches that the feed waits for
  std::deque<AnyValue> waiting_;
  std::deque<Submitter> submitters_;                      ///< without room
  std::map<std::uint64_t, std::vector<AnyValue>> taken_;  ///< by step; at most two
  std::uint64_t dropped_ = 0;
  bool has_ended_ = false;
  bool is_closed_ = false;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::batches_arrived)
