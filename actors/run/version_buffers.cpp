// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/version_buffers.hpp"

#include <algorithm>
#include <utility>

namespace nodezero::actors {

VersionBuffers::VersionBuffers(std::shared_ptr<model::Parameters> initial) {
  slots_.push_back({std::move(initial), std::make_shared<std::atomic<int>>(0)});
}

ParametersPtr VersionBuffers::publish() {
  const Slot& slot = slots_[current_];
  slot.holders->fetch_add(1, std::memory_order_relaxed);
  // The handle's last release orders all reads before the optimizer's next write.
  return {slot.buffer.get(), [buffer = slot.buffer, holders = slot.holders](const auto*) {
            holders->fetch_sub(1, std::memory_order_release);
          }};
}

VersionBuffers::Next VersionBuffers::begin_next() {
  is_written_ = true;
  next_ = current_;
  if (!slots_[current_].is_free()) {
    const auto spare =
        std::find_if(slots_.begin(), slots_.end(), [](const Slot& slot) { return slot.is_free(); });
    next_ = static_cast<std::size_t>(spare - slots_.begin());
    if (spare == slots_.end()) {
      slots_.push_back({std::make_shared<model::Parameters>(current().layout()),
                        std::make_shared<std::atomic<int>>(0)});
    }
  }
  return {slots_[next_].buffer, next_ == current_};
}

void VersionBuffers::commit_next() {
  is_written_ = false;
  // One spare is kept for the next time; what else is free is given back to the system.
  const std::size_t previous = std::exchange(current_, next_);
  std::vector<Slot> kept{slots_[current_]};
  bool has_spare = false;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    const bool is_useful = !slots_[i].is_free() || (previous != current_ && !has_spare);
    if (i != current_ && is_useful) {
      has_spare = has_spare || slots_[i].is_free();
      kept.push_back(slots_[i]);
    }
  }
  slots_ = std::move(kept);
  current_ = 0;
}

}  // namespace nodezero::actors
