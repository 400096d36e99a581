// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

namespace nodezero::runtime::trace {

/// A message from one machine to another, with the times that their own clocks showed, in
/// nanoseconds.
struct DatedMessage {
  std::size_t from = 0;
  std::size_t to = 0;
  std::int64_t sent = 0;
  std::int64_t arrived = 0;
};

/// What to add to the readings of each machine's clock so that every message is sent before it
/// arrives: the middle of what the messages in both directions allow, or the least if there are
/// messages in one direction only. 0 for the first machine, and for those that no chain of messages
/// leads to from there. After F. Cristian, Probabilistic clock synchronization, Distributed
/// Computing 3 (1989). `machines` is at least 1.
std::vector<std::int64_t> align_clocks(std::size_t machines,
                                       std::span<const DatedMessage> messages);

// Sums and differences of times. A file may claim any time, so they wrap.
inline std::int64_t later(std::int64_t time, std::int64_t by) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(time) +
                                   static_cast<std::uint64_t>(by));
}
inline std::int64_t difference(std::int64_t a, std::int64_t b) {
  return static_cast<std::int64_t>(static_cast<std::uint64_t>(a) - static_cast<std::uint64_t>(b));
}

}  // namespace nodezero::runtime::trace
