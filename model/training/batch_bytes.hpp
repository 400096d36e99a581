// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>
#include <cstring>
#include <span>
#include <stdexcept>
#include <utility>
#include <vector>

namespace nodezero::model {

static_assert(std::endian::native == std::endian::little);

/// Arrays one after the other, each as its length and its values as they lie in memory.
class BatchWriter {
 public:
  template <class Value>
  void array(const std::vector<Value>& values) {
    const std::uint64_t size = values.size();
    append(std::as_bytes(std::span(&size, 1)));
    append(std::as_bytes(std::span(values)));
  }
  std::vector<std::byte> take() { return std::move(bytes_); }

 private:
  void append(std::span<const std::byte> bytes) {
    bytes_.insert(bytes_.end(), bytes.begin(), bytes.end());
  }
  std::vector<std::byte> bytes_;
};

/// Reads them again. @throws std::invalid_argument if the bytes are not of a BatchWriter
class BatchReader {
 public:
  explicit BatchReader(std::span<const std::byte> bytes) : rest_(bytes) {}

  template <class Value>
  std::vector<Value> array() {
    std::uint64_t size = 0;
    take(std::as_writable_bytes(std::span(&size, 1)));
    if (size > rest_.size() / sizeof(Value)) {
      throw std::invalid_argument("a batch that is cut off");
    }
    std::vector<Value> values(size);
    take(std::as_writable_bytes(std::span(values)));
    return values;
  }
  void end() const {
    if (!rest_.empty()) {
      throw std::invalid_argument("a batch with more bytes than it has values");
    }
  }

 private:
  void take(std::span<std::byte> out) {
    if (rest_.size() < out.size()) {
      throw std::invalid_argument("a batch that is cut off");
    }
    if (!out.empty()) {
      std::memcpy(out.data(), rest_.data(), out.size());
    }
    rest_ = rest_.subspan(out.size());
  }
  std::span<const std::byte> rest_;
};

}  // namespace nodezero::model
