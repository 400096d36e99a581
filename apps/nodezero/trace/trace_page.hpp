// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <span>
#include <string>

#include "actors/laws/run_difference.hpp"
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

/// Two traces as one HTML page that needs no network: the lanes of both, aligned by step, with
/// their differences, and in the middle the first cause with what led to it on both sides. `names`
/// are what the traces are called. The first 5,000 differences are shown.
std::string diff_page(const runtime::trace::Trace& left, const runtime::trace::Trace& right,
                      const actors::RunComparison& comparison,
                      const std::array<std::string, 2>& names,
                      const runtime::inspect::Phrases& phrases = {});

}  // namespace nodezero::apps
