// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/batch_queue.hpp"

#include <string>
#include <utility>

namespace nodezero::actors {

Result<void> BatchQueue::push(AnyValue batch, bool may_wait) {
  std::unique_lock lock(mutex_);
  if (waiting_.size() >= bound_ && !is_closed_) {
    if (when_full_ == WhenFull::drop_oldest) {
      waiting_.pop_front();
      ++dropped_;
    } else if (when_full_ == WhenFull::refuse) {
      return fail(ErrorCode::queue_full,
                  std::to_string(bound_) + " batches wait already: submit it later");
    } else if (!may_wait) {
      return fail(
          ErrorCode::queue_full,
          std::to_string(bound_) +
              " batches wait already and a submitter would wait for ever: have steps done first");
    } else {
      has_room_.wait(lock, [this] { return is_closed_ || waiting_.size() < bound_; });
    }
  }
  if (is_closed_) {
    return fail(ErrorCode::closed, "the trainer is closed");
  }
  waiting_.push_back(std::move(batch));
  return {};
}

bool BatchQueue::take(std::uint64_t step, std::uint32_t count, std::vector<AnyValue>& out) {
  const std::lock_guard lock(mutex_);
  auto found = taken_.find(step);
  if (found == taken_.end()) {
    if (waiting_.size() < count) {
      return false;
    }
    // The step before may still be discarded and done again; those before it are done.
    if (step > 0) {
      taken_.erase(taken_.begin(), taken_.lower_bound(step - 1));
    }
    const auto end = waiting_.begin() + count;
    found = taken_.emplace(step, std::vector<AnyValue>(waiting_.begin(), end)).first;
    waiting_.erase(waiting_.begin(), end);
    has_room_.notify_all();
  }
  out.insert(out.end(), found->second.begin(), found->second.end());
  return true;
}

void BatchQueue::clear() {
  const std::lock_guard lock(mutex_);
  waiting_.clear();
  taken_.clear();
  has_room_.notify_all();
}

void BatchQueue::close() {
  const std::lock_guard lock(mutex_);
  is_closed_ = true;
  waiting_.clear();
  has_room_.notify_all();
}

BatchQueue::Counts BatchQueue::counts() const {
  const std::lock_guard lock(mutex_);
  return {waiting_.size(), dropped_};
}

}  // namespace nodezero::actors
