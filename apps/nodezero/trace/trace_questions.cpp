// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace summary, check, why and show.

#include <charconv>
#include <cstdio>
#include <optional>
#include <set>
#include <string_view>

#include <fmt/format.h>

#include "actors/laws/answer_source.hpp"
#include "actors/laws/trace_phrases.hpp"
#include "actors/laws/trace_rules.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_json.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "formats/printable_text.hpp"
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

/// What `why` is asked about.
struct Asked {
  inspect::EventNumber event = 0;
  std::optional<actors::AnswerSource> answer;  ///< whose last tokens the event tells
};

Asked asked_about(const Trace& trace, const std::string& text) {
  constexpr std::string_view of_answers = "cmpl-";
  const bool is_answer = text.starts_with(of_answers);
  const auto digits = std::string_view(text).substr(is_answer ? of_answers.size() : 0);
  std::uint64_t number = 0;
  const auto [end, error] =
      std::from_chars(digits.data(), digits.data() + digits.size(), number, is_answer ? 16 : 10);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size()) {
    throw CommandError(exit_bad_input,
                       fmt::format("'{}' is not the number of an event, and not the id of an "
                                   "answer, such as cmpl-000000000000002a",
                                   formats::escaped_name(text)));
  }
  if (!is_answer) {
    return {event_in(trace, number), std::nullopt};
  }
  const auto source = actors::source_of_answer(trace, number);
  if (!source) {
    throw CommandError(exit_bad_input, fmt::format("the trace has no tokens of {}", text));
  }
  return {source->told, source};
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
  const auto [event, answer] = asked_about(trace, options.event);
  if (options.mermaid) {
    fmt::print("{}", inspect::mermaid_of_past(trace, inspect::CausalOrder(trace), event));
    return;
  }
  const inspect::Handlings handlings(trace);
  const auto reasons = inspect::reasons_for(trace, handlings, event);
  if (options.output.json) {
    auto document = reasons_as_json(trace, event, reasons, options.output);
    if (answer) {
      document["version_made"] = answer->made;
    }
    print_json(document);
    return;
  }
  const auto print = [&](inspect::EventNumber number, const std::vector<inspect::Reason>& because) {
    fmt::print(
        "{}", inspect::why_as_text(trace, number, because, actors::trace_phrases(), options.depth));
  };
  print(event, reasons);
  if (answer && answer->made == 0) {
    fmt::print("the trace does not show how version {} was made\n", answer->version);
  } else if (answer) {
    fmt::print("version {} was made by ", answer->version);
    print(answer->made, inspect::reasons_for(trace, handlings, answer->made));
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
