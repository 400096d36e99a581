// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <vector>

#include "runtime/inspect/handlings.hpp"

namespace nodezero::runtime::inspect {

/// A stretch of time on a critical path.
struct PathPiece {
  std::uint32_t handling = 0;  ///< index: the message that was handled or on its way
  bool on_its_way = false;     ///< sent and not yet handled, the receiver being free
  std::int64_t from = 0;       ///< nanoseconds
  std::int64_t to = 0;

  std::int64_t time() const { return to - from; }
};

/// What an event had to wait for, backwards in time to `until` (nanoseconds): the handling that
/// it lies in; before that the message's way, or, if the actor was busy when the message was
/// sent, the handling that kept it busy; and so on. The pieces leave no gap; latest first.
std::vector<PathPiece> critical_path(const Trace& trace, const Handlings& handlings,
                                     EventNumber number, std::int64_t until);

}  // namespace nodezero::runtime::inspect
