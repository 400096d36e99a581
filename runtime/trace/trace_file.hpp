// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "nodezero/error.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::runtime::trace {

/// Reads a whole trace. The threads' records are merged in an order in which each message is
/// sent before it is handled and times rise; `Trace::completeness` says what is missing.
/// @return an error if the file cannot be read, is not a trace, comes from a newer version or is
/// damaged before its last block.
Result<Trace> read_trace(const std::filesystem::path& path);

/// Writes a trace such that `read_trace` gives the same one, and the same trace the same bytes.
/// Its times must rise from event to event.
Result<void> write_trace(const Trace& trace, const std::filesystem::path& path);

/// Keeps a mistyped name from costing somebody a text or a model.
/// @return invalid_argument if there is a file of that name that is not a trace
Result<void> check_overwritable(const std::filesystem::path& path);

}  // namespace nodezero::runtime::trace
