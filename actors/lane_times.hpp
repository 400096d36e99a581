// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <atomic>
#include <cstdint>

namespace nodezero::actors {

/// Nanoseconds that the lanes of a run have computed, all of them together, by what for. Written
/// by the lanes, read by whoever measures.
struct LaneTimes {
  std::atomic<std::int64_t> forward{0};
  std::atomic<std::int64_t> backward{0};   ///< from the logits on
  std::atomic<std::int64_t> reduction{0};  ///< sums along the position tree
  std::atomic<std::int64_t> optimizer{0};  ///< norm and update
  std::atomic<std::int64_t> generation{0};
  std::atomic<std::int64_t> processor{0};  ///< of all that, as their threads' processor time
};

}  // namespace nodezero::actors
