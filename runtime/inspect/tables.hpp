// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <span>
#include <string>

#include "nodezero/error.hpp"
#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/text_output.hpp"

namespace nodezero::runtime::inspect {

/// Writes events as an SQLite database with the tables `about`, `actors`, `events` and
/// `messages` (docs/tracing.md says what is in them). Messages of which no event is among
/// `events` are left out.
Result<void> write_tables(const Trace& trace, std::span<const EventNumber> events, TextOutput& out);

/// Steps of SQLite's virtual machine: half a minute or so.
inline constexpr std::uint64_t default_most_steps = 2'000'000'000;

/// Answers one SQL query over those tables, with all events: a line of column names, then a line
/// a row, tabs between the columns. Fails with what SQLite has against the query, if it does
/// anything but read, or if it takes too many steps (rounded to a thousand).
Result<void> query_tables(const Trace& trace, const std::string& query, TextOutput& out,
                          std::uint64_t most_steps = default_most_steps);

}  // namespace nodezero::runtime::inspect
