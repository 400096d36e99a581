// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace export, import and merge.

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <map>
#include <utility>
#include <vector>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "actors/laws/trace_rules.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "apps/nodezero/trace/trace_output.hpp"
#include "apps/nodezero/trace/trace_page.hpp"
#include "formats/printable_text.hpp"
#include "runtime/inspect/chrome.hpp"
#include "runtime/inspect/json_lines.hpp"
#include "runtime/inspect/mermaid.hpp"
#include "runtime/inspect/otlp.hpp"
#include "runtime/inspect/restrict.hpp"
#include "runtime/inspect/shiviz.hpp"
#include "runtime/inspect/tables.hpp"
#include "runtime/inspect/words.hpp"
#include "runtime/trace/join.hpp"
#include "runtime/trace/trace_file.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using inspect::EventNumber;
using inspect::TextOutput;
using runtime::trace::Trace;

/// "trace.json", "trace-2.json", "trace-3.json".
std::string numbered(const std::string& path, std::size_t number) {
  if (number == 1) {
    return path;
  }
  const std::filesystem::path whole(path);
  return (whole.parent_path() /
          fmt::format("{}-{}{}", whole.stem().string(), number, whole.extension().string()))
      .string();
}

void export_chrome(const Trace& trace, std::span<const EventNumber> events,
                   const std::string& input, const std::string& path) {
  const inspect::CausalOrder order(trace);
  const inspect::Handlings handlings(trace);
  const auto violations = actors::check_trace(trace).violations;
  // A pipe gets everything in one piece; files are split to a size that viewers can open.
  const auto limit = path.empty() ? ~std::uint64_t{0} : inspect::chrome_file_limit;
  std::size_t files = 0;
  do {
    refuse_overwriting(input, numbered(path, ++files));
    with_output(numbered(path, files), [&](TextOutput& out) {
      events = events.subspan(
          inspect::write_chrome(trace, order, handlings, events, violations, out, limit));
    });
  } while (!events.empty());
  if (files > 1) {
    fmt::print(stderr, "nodezero: wrote {} files, {} to {}\n", files, formats::escaped_name(path),
               formats::escaped_name(numbered(path, files)));
  }
}

void export_page(const Trace& trace, std::span<const EventNumber> events, TextOutput& out) {
  const auto violations = actors::check_trace(trace).violations;
  const bool is_whole = events.size() == trace.events.size();
  out.text(is_whole ? trace_page(trace, violations, actors::trace_phrases())
                    : trace_page(inspect::restricted(trace, events),
                                 inspect::restricted(violations, events), actors::trace_phrases()));
}

}  // namespace

void trace_export(const ExportOptions& options, const inspect::Filter& filter) {
  if ((options.format == "mermaid") != (options.event != 0)) {
    throw CommandError(exit_bad_input,
                       "--event N and --format mermaid need each other: the diagram is of that "
                       "event's causal past");
  }
  refuse_overwriting(options.file, options.out);
  const Trace trace = load_trace(options.file);
  const auto events = selected_events(trace, filter);
  const auto& format = options.format;
  if (format == "otlp" && !inspect::start_since_1970(trace)) {
    fmt::print(stderr,
               "nodezero: the trace does not say when it was recorded: its times begin in 1970\n");
  }
  if (format == "chrome") {
    export_chrome(trace, events, options.file, options.out);
    return;
  }
  with_output(options.out, [&](TextOutput& out) {
    if (format == "shiviz") {
      inspect::write_shiviz(trace, inspect::CausalOrder(trace), events, out);
    } else if (format == "otlp") {
      inspect::write_otlp(trace, inspect::Handlings(trace), events, out);
    } else if (format == "jsonl") {
      inspect::write_json_lines(trace, events, out);
    } else if (format == "html") {
      export_page(trace, events, out);
    } else if (format == "mermaid") {
      out.text(inspect::mermaid_of_past(trace, inspect::CausalOrder(trace),
                                        event_in(trace, options.event)));
    } else {
      unwrap(inspect::write_tables(trace, events, out), exit_failure);
    }
  });
}

void trace_import(const std::string& from, const std::string& to) {
  refuse_overwriting(from, to);
  std::ifstream lines(from, std::ios::binary);
  if (!lines) {
    throw CommandError(exit_bad_input,
                       fmt::format("cannot read {}: check the path and its permissions", from));
  }
  const auto trace = inspect::read_json_lines(lines);
  if (!trace) {
    throw CommandError(exit_bad_input, fmt::format("{}: {}", from, trace.error().message));
  }
  unwrap(runtime::trace::write_trace(*trace, to));
}

void trace_merge(const MergeOptions& options) {
  unwrap(runtime::trace::check_overwritable(options.out));
  std::vector<runtime::trace::TraceParts> machines;
  for (const auto& file : options.files) {
    refuse_overwriting(file, options.out);
    machines.push_back(unwrap(runtime::trace::read_parts(file)));
  }
  const auto merged = unwrap(runtime::trace::join(std::move(machines)));
  if (const auto warning = inspect::incompleteness(merged.completeness); !warning.empty()) {
    fmt::print(stderr, "nodezero: {}\n", warning);
  }
  unwrap(runtime::trace::write_trace(merged, options.out), exit_failure);
}

}  // namespace nodezero::apps
