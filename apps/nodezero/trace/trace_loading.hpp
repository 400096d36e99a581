// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "runtime/inspect/filter.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// Reads a trace file for a command. Says on stderr how far it can be trusted if it is not
/// complete.
/// @throws CommandError if it cannot be read, is no trace, or holds no event
runtime::trace::Trace load_trace(const std::string& path);

/// The number of an event as it stands on the command line.
/// @throws CommandError if the trace has no such event
std::uint32_t event_in(const runtime::trace::Trace& trace, std::uint64_t number);

/// The events that pass the filter.
/// @throws CommandError if the trace has no such actor, type or event
std::vector<std::uint32_t> selected_events(const runtime::trace::Trace& trace,
                                           const runtime::inspect::Filter& filter);

}  // namespace nodezero::apps
