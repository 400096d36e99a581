// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace diff and sql.

#include <cstdio>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "formats/printable_text.hpp"
#include "runtime/inspect/compare.hpp"
#include "runtime/inspect/tables.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;

void print_side(const runtime::trace::Trace& trace, const std::string& path, std::uint32_t event) {
  if (event != 0) {
    fmt::print("{}:\n{}\n", formats::escaped_name(path), inspect::event_line(trace, event));
  } else {
    fmt::print("{}: has no such event\n", formats::escaped_name(path));
  }
}

}  // namespace

void trace_diff(const std::string& left_path, const std::string& right_path) {
  const auto left = load_trace(left_path), right = load_trace(right_path);
  const auto found = inspect::first_difference(left, right, actors::trace_freedoms());
  if (!found) {
    fmt::print("no causal difference between {} and {}\n", left.events.size(),
               inspect::counted(right.events.size(), "event"));
    return;
  }
  fmt::print("first causal difference:\n");
  print_side(left, left_path, found->left);
  print_side(right, right_path, found->right);
  std::fflush(stdout);
  throw CommandExit{exit_failure};
}

void trace_sql(const std::string& path, const std::string& query) {
  const auto trace = load_trace(path);
  inspect::TextOutput out(stdout);
  unwrap(inspect::query_tables(trace, query, out));
}

}  // namespace nodezero::apps
