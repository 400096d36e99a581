// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace diff.

#include <algorithm>
#include <cstdio>
#include <string>
#include <string_view>
#include <vector>

#include <fmt/format.h>

#include "actors/laws/run_difference.hpp"
#include "actors/laws/trace_phrases.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/terminal/quantities.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_json.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "apps/nodezero/trace/trace_output.hpp"
#include "apps/nodezero/trace/trace_page.hpp"
#include "formats/printable_text.hpp"
#include "runtime/inspect/why.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;
using runtime::trace::Trace;

constexpr std::size_t most_reasons = 8;
constexpr std::size_t column_width = 58;

/// The text in lines that fit into a column; what is continued is indented.
std::vector<std::string> wrapped(std::string_view text) {
  std::vector<std::string> lines;
  std::string indent;
  while (!text.empty()) {
    const auto room = column_width - indent.size();
    auto end = std::min(room, text.size());
    if (end < text.size()) {
      const auto space = text.rfind(' ', end);
      end = space != std::string_view::npos && space > room / 2 ? space : end;
    }
    lines.push_back(indent + std::string(text.substr(0, end)));
    text.remove_prefix(end);
    text.remove_prefix(std::min(text.find_first_not_of(' '), text.size()));
    indent = "    ";
  }
  return lines;
}

/// An event and what led to it, in lines.
std::vector<std::string> column(const std::string& title, const Trace& trace,
                                inspect::EventNumber event) {
  auto lines = wrapped(title);
  const auto add = [&lines](const std::string& text) {
    const auto more = wrapped(text);
    lines.insert(lines.end(), more.begin(), more.end());
  };
  if (event == 0) {
    add("no such event");
    return lines;
  }
  const auto line = [&](inspect::EventNumber number) {
    return fmt::format("{}: {}", number, inspect::in_words(trace, number, actors::trace_phrases()));
  };
  add(line(event));
  const auto reasons = inspect::reasons_for(trace, inspect::Handlings(trace), event);
  for (std::size_t i = 0; i < std::min(most_reasons, reasons.size()); ++i) {
    add("because " + line(reasons[i].event));
  }
  if (reasons.size() > most_reasons) {
    add(fmt::format("and {}", counted(reasons.size() - most_reasons, "more reason")));
  }
  return lines;
}

void print_side_by_side(const std::vector<std::string>& left,
                        const std::vector<std::string>& right) {
  for (std::size_t i = 0; i < std::max(left.size(), right.size()); ++i) {
    const auto line = fmt::format("{:<{}} | {}", i < left.size() ? left[i] : "", column_width,
                                  i < right.size() ? right[i] : "");
    fmt::print("{}\n", line.substr(0, line.find_last_not_of(' ') + 1));
  }
}

void print_comparison(const DiffOptions& options, const Trace& left, const Trace& right,
                      const actors::RunComparison& comparison) {
  const auto& differences = comparison.differences;
  if (!comparison.restriction.empty()) {
    fmt::print(stderr, "nodezero: {}\n", comparison.restriction);
  }
  if (differences.empty()) {
    fmt::print("the runs do not differ: {} compared, with what led to them\n",
               counted(comparison.facts, "fact"));
    return;
  }
  const auto& first = differences.front();
  fmt::print("the runs part here: {}\n\n", first.sentence);
  print_side_by_side(column("A: " + formats::escaped_name(options.left), left, first.left),
                     column("B: " + formats::escaped_name(options.right), right, first.right));
  if (differences.size() > 1) {
    fmt::print("\n{} (--json lists them, --format html shows them)\n",
               counted(differences.size() - 1, "later difference"));
  }
}

}  // namespace

void trace_diff(const DiffOptions& options) {
  refuse_overwriting(options.left, options.out);
  refuse_overwriting(options.right, options.out);
  const auto left = load_trace(options.left), right = load_trace(options.right);
  const auto comparison = actors::compare(left, right);
  if (options.output.json) {
    print_json(comparison_as_json(left, right, comparison, options.output));
  } else if (options.as_page) {
    with_output(options.out, [&](inspect::TextOutput& out) {
      out.text(diff_page(left, right, comparison, {options.left, options.right},
                         actors::trace_phrases()));
    });
  } else {
    print_comparison(options, left, right, comparison);
  }
  if (!comparison.differences.empty()) {
    std::fflush(stdout);
    throw CommandExit{exit_failure};
  }
}

}  // namespace nodezero::apps
