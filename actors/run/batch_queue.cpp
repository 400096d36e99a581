// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/batch_queue.hpp"

#include <string>
#include <utility>

#include "runtime/explorable.hpp"

namespace nodezero::actors {
namespace {

tl::unexpected<Error> closed() {
  return fail(ErrorCode::closed, "the trainer is closed");
}

}  // namespace

Result<void> BatchQueue::push(const AnyValue& batch) {
  const std::lock_guard lock(mutex_);
  return try_push(batch);
}

void BatchQueue::push_when_room(const AnyValue& batch, Settle settle) {
  std::unique_lock lock(mutex_);
  auto pushed = try_push(batch);
  const bool may_wait = when_full_ == WhenFull::wait && !is_closed_ && !has_ended_;
  if (!pushed && may_wait) {
    submitters_.push_back({batch, std::move(settle)});
    return;
  }
  lock.unlock();
  settle(std::move(pushed));
}

Result<void> BatchQueue::try_push(const AnyValue& batch) {
  if (is_closed_) {
    return closed();
  }
  if (waiting_.size() >= bound_) {
    if (when_full_ != WhenFull::drop_oldest) {
      return no_room();
    }
    waiting_.pop_front();
    ++dropped_;
  }
  waiting_.push_back(batch);
  if (tells_at_once_) {
    tell_feed_of_enough();
  }
  return {};
}

tl::unexpected<Error> BatchQueue::no_room() const {
  const char* advice = has_ended_                       ? "training has ended and takes none"
                       : when_full_ == WhenFull::refuse ? "submit it later"
                                                        : "have steps done first";
  return fail(ErrorCode::queue_full, std::to_string(bound_) + " batches wait already: " + advice);
}

/// Has those that wait submit as long as there is room. To be told when nothing is locked.
std::deque<BatchQueue::Submitter> BatchQueue::let_in() {
  std::deque<Submitter> told;
  while (!submitters_.empty() && waiting_.size() < bound_) {
    waiting_.push_back(submitters_.front().batch);
    told.push_back(std::move(submitters_.front()));
    submitters_.pop_front();
  }
  return told;
}

void BatchQueue::tell(const std::deque<Submitter>& submitters, const Result<void>& outcome) {
  for (const auto& submitter : submitters) {
    submitter.settle(outcome);
  }
}

bool BatchQueue::take(caf::actor_id feed, std::uint64_t step, std::uint32_t count,
                      std::vector<AnyValue>& out) {
  std::unique_lock lock(mutex_);
  if (!feed_ || feed_.id() != feed) {
    return false;
  }
  auto found = taken_.find(step);
  std::deque<Submitter> told;
  if (found == taken_.end()) {
    if (waiting_.size() < count) {
      wanted_ = count;
      return false;
    }
    // The step before may still be discarded and done again; those before it are done.
    if (step > 0) {
      taken_.erase(taken_.begin(), taken_.lower_bound(step - 1));
    }
    const auto end = waiting_.begin() + count;
    found = taken_.emplace(step, std::vector<AnyValue>(waiting_.begin(), end)).first;
    waiting_.erase(waiting_.begin(), end);
    told = let_in();
  }
  out.insert(out.end(), found->second.begin(), found->second.end());
  lock.unlock();
  tell(told, {});
  return true;
}

void BatchQueue::tell_feed() {
  const std::lock_guard lock(mutex_);
  tell_feed_of_enough();
}

// Under the lock, so that no feed hears anything when another one has taken its place.
void BatchQueue::tell_feed_of_enough() {
  if (feed_ && wanted_ > 0 && waiting_.size() >= wanted_) {
    wanted_ = 0;
    caf::anon_send(feed_, batches_arrived{});
  }
}

void BatchQueue::begin(const caf::actor& feed, bool forgets) {
  std::unique_lock lock(mutex_);
  feed_ = feed;
  wanted_ = 0;
  has_ended_ = false;
  if (forgets) {
    waiting_.clear();
    taken_.clear();
  }
  const auto told = let_in();
  lock.unlock();
  tell(told, {});
}

void BatchQueue::end() {
  std::unique_lock lock(mutex_);
  has_ended_ = true;
  feed_ = nullptr;
  const auto left = std::exchange(submitters_, {});
  const auto reason = no_room();
  lock.unlock();
  tell(left, reason);
}

void BatchQueue::close() {
  std::unique_lock lock(mutex_);
  is_closed_ = true;
  feed_ = nullptr;
  waiting_.clear();
  taken_.clear();
  const auto left = std::exchange(submitters_, {});
  lock.unlock();
  tell(left, closed());
}

std::uint64_t BatchQueue::state_digest() const {
  const std::lock_guard lock(mutex_);
  runtime::Fingerprint digest;
  digest.add(waiting_.size()).add(submitters_.size()).add(wanted_).add(has_ended_);
  digest.add(is_closed_).add(feed_ != nullptr);
  for (const auto& [step, batches] : taken_) {
    digest.add(step);
  }
  return digest.value();
}

BatchQueue::Counts BatchQueue::counts() const {
  const std::lock_guard lock(mutex_);
  return {waiting_.size(), dropped_};
}

}  // namespace nodezero::actors
