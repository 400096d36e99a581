// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>

#include "runtime/trace/record.hpp"

namespace nodezero::runtime::trace {

/// Consecutive records of one thread. Only that thread appends; others, a signal handler too,
/// may read the first `count` of them. A block that is used again gets another generation.
struct RecordBlock {
  static constexpr std::uint32_t capacity = 1'020;

  std::atomic<std::uint32_t> generation{0};  ///< odd while somebody's records lie in it
  std::atomic<std::uint32_t> count{0};
  std::uint32_t thread = 0;
  std::uint64_t first = 0;      ///< index of the first record in its thread's sequence
  std::uint64_t last_time = 0;  ///< of a block that is full
  std::uint32_t written = 0;    ///< records that lie in the file already
  std::array<Record, capacity> records;
};

}  // namespace nodezero::runtime::trace
