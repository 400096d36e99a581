// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "nodezero/error.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::trace {

/// The interned strings of a recorder, kept as they lie in a file, so that a signal handler can
/// write them. Entry 0 is empty. When the table is full, what is new gets an entry that says so.
class NameTable {
 public:
  NameTable();

  /// May be called from any thread. Texts are cut off after 2,000 bytes.
  std::uint16_t intern(std::string_view text, std::span<const FieldDescription> fields = {});

  /// A part of the table as the content of a block of names.
  struct Chunk {
    static constexpr std::size_t capacity = 16'384;
    std::atomic<std::uint32_t> size{0};  ///< bytes; grows
    std::array<std::byte, capacity> bytes;
  };
  /// In order; null after the last. Needs no lock.
  const Chunk* chunk(std::size_t index) const {
    return index < most_chunks ? chunks_[index].load(std::memory_order_acquire) : nullptr;
  }

 private:
  static constexpr std::size_t most_chunks = 512;

  bool append(std::string_view text, std::span<const FieldDescription> fields);

  std::mutex mutex_;
  std::unordered_map<std::string, std::uint16_t> indices_;
  std::uint16_t full_ = 0;  ///< entry that stands for all that does not fit
  std::uint32_t count_ = 1;
  std::array<std::atomic<Chunk*>, most_chunks> chunks_{};
  std::vector<std::unique_ptr<Chunk>> owned_;
};

/// A name as it lies in a block of names.
std::vector<std::byte> encode_name(std::string_view text, std::span<const FieldDescription> fields);
/// The names of a block's content.
Result<std::vector<Name>> decode_names(std::span<const std::byte> bytes);

}  // namespace nodezero::runtime::trace
