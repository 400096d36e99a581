// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "runtime/trace/block_input.hpp"

namespace nodezero::runtime::trace {

/// Puts the threads' records into one order in which every message is sent before it is handled
/// or dropped, every actor is spawned before it handles anything, and the rest follows its time;
/// numbers the actors and links the events.
Trace merge(TraceParts parts);

/// Ticks of a recorder's clock as nanoseconds since it was made.
std::int64_t nanoseconds(const std::optional<ClockReading>& clock, std::uint64_t ticks);

}  // namespace nodezero::runtime::trace
