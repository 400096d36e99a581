// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <vector>

#include <nlohmann/json.hpp>

#include "actors/laws/run_difference.hpp"
#include "actors/laws/trace_rules.hpp"
#include "apps/nodezero/terminal/json_answer.hpp"
#include "runtime/inspect/causal_order.hpp"
#include "runtime/inspect/summary.hpp"
#include "runtime/inspect/why.hpp"

namespace nodezero::apps {

// What `nodezero trace` answers with --json; docs/json.md names every member.

/// `event`, `time_ns`, `kind`, `actor`, `peer`, `type` and `words`; null for event 0.
nlohmann::ordered_json event_as_json(const runtime::trace::Trace& trace,
                                     runtime::inspect::EventNumber event);

nlohmann::ordered_json summary_as_json(const runtime::trace::Trace& trace,
                                       const runtime::inspect::Summary& summary,
                                       const JsonOptions& options);

nlohmann::ordered_json reasons_as_json(const runtime::trace::Trace& trace,
                                       runtime::inspect::EventNumber event,
                                       const std::vector<runtime::inspect::Reason>& reasons,
                                       const JsonOptions& options);

nlohmann::ordered_json verdict_as_json(const runtime::trace::Trace& trace,
                                       const runtime::inspect::CausalOrder& order,
                                       const actors::TraceVerdict& verdict,
                                       const JsonOptions& options);

nlohmann::ordered_json comparison_as_json(const runtime::trace::Trace& left,
                                          const runtime::trace::Trace& right,
                                          const actors::RunComparison& comparison,
                                          const JsonOptions& options);

}  // namespace nodezero::apps
