// SPDX-License-Identifier: BSD-3-Clause
#include "actors/gradient_pool.hpp"

#include <utility>

namespace nodezero::actors {

GradientLease& GradientLease::operator=(GradientLease&& other) noexcept {
  if (this != &other) {
    give_back();
    pool_ = std::move(other.pool_);
    buffer_ = std::move(other.buffer_);
  }
  return *this;
}

GradientLease::~GradientLease() {
  give_back();
}

void GradientLease::give_back() noexcept {
  if (buffer_) {
    pool_->give_back(std::move(buffer_));
  }
  pool_.reset();
}

GradientLease GradientPool::lease() {
  std::unique_ptr<model::Gradient> buffer;
  {
    const std::scoped_lock lock(mutex_);
    ++leased_;
    if (!free_.empty()) {
      buffer = std::move(free_.back());
      free_.pop_back();
    } else {
      // Room for its return, so that giving back cannot fail.
      free_.reserve(leased_);
    }
  }
  if (!buffer) {
    buffer = std::make_unique<model::Gradient>(layout_);
  }
  return {shared_from_this(), std::move(buffer)};
}

std::size_t GradientPool::leased() const {
  const std::scoped_lock lock(mutex_);
  return leased_;
}

void GradientPool::give_back(std::unique_ptr<model::Gradient> buffer) noexcept {
  const std::scoped_lock lock(mutex_);
  --leased_;
  free_.push_back(std::move(buffer));
}

}  // namespace nodezero::actors
