// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>

#include "runtime/inspect/handlings.hpp"
#include "runtime/inspect/text_output.hpp"

namespace nodezero::runtime::inspect {

/// When the recording began, in nanoseconds since 1970; nothing if the trace does not say.
std::optional<std::int64_t> start_since_1970(const Trace& trace);

/// Writes the messages whose begin is among `events` as OpenTelemetry spans in OTLP's file format:
/// JSON lines, each a whole object with up to 500 spans. An epoch is a trace, and so is all that
/// belongs to none; no two runs share a trace's id. A span's parent is the handling that sent the
/// message; links lead to what its actor had gathered when it acted, to the request that it
/// answers, and to a parent that belongs to another epoch. Times count from 0 if the trace does
/// not say when it was recorded.
void write_otlp(const Trace& trace, const Handlings& handlings, std::span<const EventNumber> events,
                TextOutput& out);

}  // namespace nodezero::runtime::inspect
