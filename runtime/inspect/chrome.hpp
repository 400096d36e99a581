// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "runtime/inspect/handlings.hpp"
#include "runtime/inspect/text_output.hpp"
#include "runtime/inspect/violation.hpp"

namespace nodezero::runtime::inspect {

/// What Perfetto still opens in a browser.
inline constexpr std::uint64_t chrome_file_limit = 200'000'000;

/// Writes events in the Trace Event Format that Perfetto and chrome://tracing read: a lane an
/// actor, a slice a handled message, an arrow (flow) a message, a counter for each mailbox,
/// instants for states, ends and violations.
///
/// Stops before the file grows beyond `limit` bytes and returns how many of the events are in it;
/// the rest belongs into a file of its own. An arrow is drawn if both its ends are in one file.
std::size_t write_chrome(const Trace& trace, const CausalOrder& order, const Handlings& handlings,
                         std::span<const EventNumber> events, std::span<const Violation> violations,
                         TextOutput& out, std::uint64_t limit = chrome_file_limit);

}  // namespace nodezero::runtime::inspect
