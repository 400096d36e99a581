// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <istream>
#include <span>

#include "nodezero/error.hpp"
#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/text_output.hpp"

namespace nodezero::runtime::inspect {

/// Writes a trace as JSON lines: first one object with `about`, `names` (text, fields), `actors`
/// (name, number, parent) and `completeness`, then one object an event. Of an event `payload`,
/// `name`, `actor_name` and `peer_name` are for readers; all else is enough to have the trace
/// back.
void write_json_lines(const Trace& trace, std::span<const EventNumber> events, TextOutput& out);

/// Reads what write_json_lines has written. Fails with the number of the line that is wrong.
Result<Trace> read_json_lines(std::istream& lines);

}  // namespace nodezero::runtime::inspect
