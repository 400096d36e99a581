// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/text_output.hpp"

namespace nodezero::runtime::inspect {

/// Writes events as a log that ShiViz reads: a line with the host and its clock, a line with what
/// happened; on top the expression by which ShiViz parses it.
///
/// A clock names the event's own host and, when a message begins to be handled, its sender:
/// ShiViz merges what a host knew before by itself. So a line has the same length however many
/// actors there are. Drops belong to no host and are left out.
void write_shiviz(const Trace& trace, const CausalOrder& order, std::span<const EventNumber> events,
                  TextOutput& out);

}  // namespace nodezero::runtime::inspect
