// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <mutex>
#include <vector>

#include "model/tensors/tensor_set.hpp"

namespace nodezero::actors {

class GradientPool;

/// Sole ownership of one gradient buffer; gives it back to its pool when it ends.
class GradientLease {
 public:
  GradientLease() = default;
  GradientLease(GradientLease&& other) noexcept = default;
  GradientLease& operator=(GradientLease&& other) noexcept;
  ~GradientLease();

  explicit operator bool() const { return buffer_ != nullptr; }
  model::Gradient& operator*() { return *buffer_; }
  const model::Gradient& operator*() const { return *buffer_; }

 private:
  friend class GradientPool;
  GradientLease(std::shared_ptr<GradientPool> pool, std::unique_ptr<model::Gradient> buffer)
      : pool_(std::move(pool)), buffer_(std::move(buffer)) {}
  void give_back() noexcept;

  std::shared_ptr<GradientPool> pool_;
  std::unique_ptr<model::Gradient> buffer_;
};

/// Gradient buffers of one layout, reused from step to step. Thread-safe: lanes lease and
/// whoever holds a lease last gives back.
class GradientPool : public std::enable_shared_from_this<GradientPool> {
 public:
  explicit GradientPool(std::shared_ptr<const model::TensorLayout> layout)
      : layout_(std::move(layout)) {}

  /// A buffer with unspecified content.
  GradientLease lease();

  std::size_t leased() const;  ///< buffers that somebody owns now

 private:
  friend class GradientLease;
  void give_back(std::unique_ptr<model::Gradient> buffer) noexcept;

  std::shared_ptr<const model::TensorLayout> layout_;
  mutable std::mutex mutex_;
  std::vector<std::unique_ptr<model::Gradient>> free_;
  std::size_t leased_ = 0;
};

}  // namespace nodezero::actors
