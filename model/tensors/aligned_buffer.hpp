// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>

namespace nodezero::model {

/// A block of floats on a 64-byte boundary (a cache line, an AVX-512 register). Large blocks ask
/// the kernel for huge pages. The memory is zero and untouched, so each page ends up on the NUMA
/// node of the thread that first writes to it.
class AlignedBuffer {
 public:
  AlignedBuffer() = default;
  /// @throws std::bad_alloc
  explicit AlignedBuffer(std::size_t size);
  AlignedBuffer(AlignedBuffer&& other) noexcept;
  AlignedBuffer& operator=(AlignedBuffer&& other) noexcept;
  ~AlignedBuffer();

  float* data() { return data_; }
  const float* data() const { return data_; }
  std::size_t size() const { return size_; }
  std::span<float> span() { return {data_, size_}; }
  std::span<const float> span() const { return {data_, size_}; }

 private:
  float* data_ = nullptr;
  std::size_t size_ = 0;
};

}  // namespace nodezero::model
