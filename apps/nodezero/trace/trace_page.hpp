// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>

#include "runtime/inspect/violation.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::apps {

/// A whole trace as one HTML page that needs no network: the tree of actors with their load, a
/// space-time diagram, filters, search, and the causal past of an event in words. `trace` must be
/// linked. Events named by `violations` but missing from the trace are left out.
std::string trace_page(const runtime::trace::Trace& trace,
                       std::span<const runtime::inspect::Violation> violations,
                       const runtime::inspect::Phrases& phrases = {});

}  // namespace nodezero::apps
