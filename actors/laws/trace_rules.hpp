// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "runtime/inspect/violation.hpp"
#include "runtime/trace/trace.hpp"

namespace nodezero::actors {

class TraceFacts;
class Findings;

/// A law of the protocol that can be decided from a trace alone.
struct TraceRule {
  std::string_view name;
  std::string_view sentence;
  void (*check)(const TraceFacts& facts, Findings& findings);
};

/// All of them, in the order in which they are reported.
std::span<const TraceRule> trace_rules();

/// What the rules say about a trace.
struct TraceVerdict {
  struct Undecided {
    std::string rule;
    std::string reason;
  };
  std::vector<runtime::inspect::Violation> violations;  ///< by rule, then by second event
  /// Rules that found nothing wrong but would have to see what an incomplete trace lacks.
  std::vector<Undecided> undecided;
};

/// Checks every rule. An incomplete trace is never blamed for what it lacks: what is missing
/// counts as broken only where the trace would have to hold it.
TraceVerdict check_trace(const runtime::trace::Trace& trace);

}  // namespace nodezero::actors
