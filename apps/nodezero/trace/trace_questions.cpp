// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace summary, check, why and show.

#include <cstdio>
#include <memory>
#include <set>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "actors/laws/trace_rules.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "runtime/inspect/mermaid.hpp"
#include "runtime/inspect/summary.hpp"
#include "runtime/inspect/text_output.hpp"
#include "runtime/inspect/why.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using runtime::trace::Trace;

/// What lanes do is what a run costs; an epoch is what a run consists of.
const inspect::SummaryOptions summary_options = {.busy_actor = "lane", .span = "begin_epoch"};

void print_summary(const std::string& path) {
  const Trace trace = load_trace(path);
  const inspect::Handlings handlings(trace);
  fmt::print("{}", inspect::summary_as_text(inspect::summarize(trace, handlings, summary_options),
                                            summary_options));
}

std::string chain_as_text(const Trace& trace, const inspect::CausalOrder& order,
                          const inspect::Violation& violation) {
  if (violation.first == 0 || violation.first == violation.second) {
    return "";
  }
  if (!order.happened_before(violation.first, violation.second)) {
    return "  no chain of messages leads from the one to the other\n";
  }
  std::string text = "  the chain between them:\n";
  const auto line = [&](std::uint32_t event) {
    text += inspect::event_line(trace, event, actors::trace_phrases()) + '\n';
  };
  for (const auto& hop : order.chain(violation.first, violation.second)) {
    line(hop.from);
    line(hop.to);
  }
  return text == "  the chain between them:\n" ? "  both are of one actor, in this order\n" : text;
}

void print_check(const std::string& path) {
  const Trace trace = load_trace(path);
  const auto verdict = actors::check_trace(trace);
  const inspect::CausalOrder order(trace);
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
    fmt::print("{} violations in {} events\n", verdict.violations.size(), trace.events.size());
    std::fflush(stdout);
    throw CommandExit{exit_failure};
  }
  fmt::print("{} of {} rules hold in {} events\n", rules - verdict.undecided.size(), rules,
             trace.events.size());
}

struct WhyOptions {
  std::string file;
  std::uint64_t event = 0;
  std::uint64_t depth = 25;
  bool mermaid = false;
  bool json = false;
};

void print_why(const WhyOptions& options) {
  const Trace trace = load_trace(options.file);
  const auto event = event_in(trace, options.event);
  if (options.mermaid) {
    fmt::print("{}", inspect::mermaid_of_past(trace, inspect::CausalOrder(trace), event));
    return;
  }
  const auto reasons = inspect::reasons_for(trace, inspect::Handlings(trace), event);
  const auto& phrases = actors::trace_phrases();
  fmt::print("{}", options.json
                       ? inspect::why_as_json(trace, event, reasons, phrases)
                       : inspect::why_as_text(trace, event, reasons, phrases, options.depth));
}

void add_file(CLI::App& command, std::string& file) {
  command.add_option("FILE", file, "Trace that `nodezero train --trace` or a ring has written")
      ->required()
      ->type_name("");
}

}  // namespace

void add_trace_questions(CLI::App& trace) {
  auto* summary = trace.add_subcommand(
      "summary", "Actors, messages, waiting, utilisation and the critical path of each epoch");
  const auto summary_file = std::make_shared<std::string>();
  add_file(*summary, *summary_file);
  summary->callback([summary_file] { print_summary(*summary_file); });

  auto* check = trace.add_subcommand("check",
                                     "Check the protocol's rules; exit code 1 if one is "
                                     "violated");
  const auto check_file = std::make_shared<std::string>();
  add_file(*check, *check_file);
  check->callback([check_file] { print_check(*check_file); });

  auto* why = trace.add_subcommand("why",
                                   "Why an event happened: its causal past as a stack of "
                                   "messages");
  const auto options = std::make_shared<WhyOptions>();
  add_file(*why, options->file);
  why->add_option("EVENT", options->event, "Number of the event, as `show` prints it")
      ->required()
      ->type_name("");
  why->add_option("--depth", options->depth, "Most reasons to print; 0 is all")
      ->type_name("N")
      ->capture_default_str();
  auto* mermaid = why->add_flag("--mermaid", options->mermaid,
                                "As a Mermaid sequence diagram of the whole causal past");
  why->add_flag("--json", options->json, "As JSON")->excludes(mermaid);
  why->callback([options] { print_why(*options); });

  auto* show = trace.add_subcommand("show", "Print events");
  const auto show_file = std::make_shared<std::string>();
  add_file(*show, *show_file);
  const auto filter = std::make_shared<FilterOptions>(*show);
  show->callback([show_file, filter] {
    const Trace events = load_trace(*show_file);
    inspect::TextOutput out(stdout);
    for (const auto event : filter->select(events)) {
      out.print("{}\n", inspect::event_line(events, event));
    }
  });
}

}  // namespace nodezero::apps
