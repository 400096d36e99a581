// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/inspect/filter.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// Reads a trace file for a command. If the trace is incomplete, prints on stderr what it lacks.
/// @throws CommandError if it cannot be read, is not a trace, or has no events
runtime::trace::Trace load_trace(const std::string& path);

/// The event with the number given on the command line.
/// @throws CommandError if the trace has no such event
std::uint32_t event_in(const runtime::trace::Trace& trace, std::uint64_t number);

/// The events that pass the filter.
/// @throws CommandError if the trace has no such actor, type or event
std::vector<std::uint32_t> selected_events(const runtime::trace::Trace& trace,
                                           const runtime::inspect::Filter& filter);

}  // namespace nodezero::apps
