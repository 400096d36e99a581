// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>

#include "runtime/inspect/handlings.hpp"
#include "runtime/inspect/text_output.hpp"

namespace nodezero::runtime::inspect {

/// Writes the messages whose begin is among `events` as OpenTelemetry spans (OTLP in JSON): one
/// trace an epoch, and one for what belongs to none. A span's parent is the handling that sent
/// the message; links lead to what its actor had gathered when it acted, to the request that it
/// answers, and to a parent that belongs to another epoch.
void write_otlp(const Trace& trace, const Handlings& handlings, std::span<const EventNumber> events,
                TextOutput& out);

}  // namespace nodezero::runtime::inspect
