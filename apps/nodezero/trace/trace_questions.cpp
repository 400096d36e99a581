// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace summary, check, why and show.

#include <cstdio>
#include <set>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "actors/laws/trace_rules.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_json.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "runtime/inspect/mermaid.hpp"
#include "runtime/inspect/summary.hpp"
#include "runtime/inspect/text_output.hpp"
#include "runtime/inspect/why.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using runtime::trace::Trace;

/// A summary is about the lanes, which do the costly work, and the epochs.
const inspect::SummaryOptions summary_options = {.busy_actor = "lane", .span = "begin_epoch"};

std::string chain_as_text(const Trace& trace, const inspect::CausalOrder& order,
                          const inspect::Violation& violation) {
  if (violation.first == 0 || violation.first == violation.second) {
    return "";
  }
  if (!order.happened_before(violation.first, violation.second)) {
    return "  no chain of messages leads from one to the other\n";
  }
  const std::string heading = "  the messages between them:\n";
  auto text = heading;
  const auto line = [&](std::uint32_t event) {
    text += inspect::event_line(trace, event, actors::trace_phrases()) + '\n';
  };
  for (const auto& hop : order.chain(violation.first, violation.second)) {
    line(hop.from);
    line(hop.to);
  }
  return text == heading ? "  both happened in one actor, in this order\n" : text;
}

void print_verdict(const Trace& trace, const inspect::CausalOrder& order,
                   const actors::TraceVerdict& verdict) {
  for (const auto& violation : verdict.violations) {
    fmt::print("violated: {}\n", violation.rule);
    for (const auto& rule : actors::trace_rules()) {
      if (rule.name == violation.rule) {
        fmt::print("  rule: {}\n", rule.sentence);
      }
    }
    fmt::print("  found: {}\n", violation.what);
    for (const auto event : std::set{violation.first, violation.second}) {
      if (event != 0) {
        fmt::print("{}\n", inspect::event_line(trace, event, actors::trace_phrases()));
      }
    }
    fmt::print("{}\n", chain_as_text(trace, order, violation));
  }
  for (const auto& rule : verdict.undecided) {
    fmt::print("not decidable: {}: {}\n", rule.rule, rule.reason);
  }
  const std::size_t rules = actors::trace_rules().size();
  if (!verdict.violations.empty()) {
    fmt::print("{} in {}\n", counted(verdict.violations.size(), "violation"),
               counted(trace.events.size(), "event"));
    return;
  }
  fmt::print("{} of {} rules hold in {}\n", rules - verdict.undecided.size(), rules,
             counted(trace.events.size(), "event"));
}

}  // namespace

void trace_summary(const std::string& path, const JsonOptions& output) {
  const Trace trace = load_trace(path);
  const auto summary = inspect::summarize(trace, inspect::Handlings(trace), summary_options);
  if (output.json) {
    print_json(summary_as_json(trace, summary, output));
  } else {
    fmt::print("{}", inspect::summary_as_text(summary, summary_options));
  }
}

void trace_check(const std::string& path, const JsonOptions& output) {
  const Trace trace = load_trace(path);
  const auto verdict = actors::check_trace(trace);
  const inspect::CausalOrder order(trace);
  if (output.json) {
    print_json(verdict_as_json(trace, order, verdict, output));
  } else {
    print_verdict(trace, order, verdict);
  }
  if (!verdict.violations.empty()) {
    std::fflush(stdout);
    throw CommandExit{exit_failure};
  }
}

void trace_why(const WhyOptions& options) {
  const Trace trace = load_trace(options.file);
  const auto event = event_in(trace, options.event);
  if (options.mermaid) {
    fmt::print("{}", inspect::mermaid_of_past(trace, inspect::CausalOrder(trace), event));
    return;
  }
  const auto reasons = inspect::reasons_for(trace, inspect::Handlings(trace), event);
  if (options.output.json) {
    print_json(reasons_as_json(trace, event, reasons, options.output));
  } else {
    fmt::print("{}",
               inspect::why_as_text(trace, event, reasons, actors::trace_phrases(), options.depth));
  }
}

void trace_show(const std::string& file, const inspect::Filter& filter) {
  const Trace trace = load_trace(file);
  inspect::TextOutput out(stdout);
  for (const auto event : selected_events(trace, filter)) {
    out.print("{}\n", inspect::event_line(trace, event));
  }
}

}  // namespace nodezero::apps
