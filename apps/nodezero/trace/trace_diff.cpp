// SPDX-License-Identifier: BSD-3-Clause

// nodezero trace diff and sql.

#include <cstdio>
#include <memory>

#include <fmt/format.h>

#include "actors/laws/trace_phrases.hpp"
#include "apps/nodezero/common.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"
#include "apps/nodezero/trace/trace_loading.hpp"
#include "runtime/inspect/compare.hpp"
#include "runtime/inspect/tables.hpp"
#include "runtime/inspect/words.hpp"

namespace nodezero::apps {

namespace {

namespace inspect = runtime::inspect;

void print_side(const runtime::trace::Trace& trace, const std::string& path, std::uint32_t event) {
  if (event != 0) {
    fmt::print("{}:\n{}\n", path, inspect::event_line(trace, event));
  } else {
    fmt::print("{}: has no such event\n", path);
  }
}

void print_diff(const std::string& left_path, const std::string& right_path) {
  const auto left = load_trace(left_path), right = load_trace(right_path);
  const auto found = inspect::first_difference(left, right, actors::trace_freedoms());
  if (!found) {
    fmt::print("no causal difference: {} and {} events\n", left.events.size(), right.events.size());
    return;
  }
  fmt::print("the first causal difference\n");
  print_side(left, left_path, found->left);
  print_side(right, right_path, found->right);
  std::fflush(stdout);
  throw CommandExit{exit_failure};
}

void print_query(const std::string& path, const std::string& query) {
  const auto trace = load_trace(path);
  inspect::TextOutput out(stdout);
  unwrap(inspect::query_tables(trace, query, out));
}

}  // namespace

void add_trace_diff(CLI::App& trace) {
  auto* command = trace.add_subcommand(
      "diff", "The first causal difference of two runs; exit code 1 if there is one");
  const auto left = std::make_shared<std::string>(), right = std::make_shared<std::string>();
  command->add_option("A", *left, "Trace of one run")->required()->type_name("");
  command->add_option("B", *right, "Trace of the other")->required()->type_name("");
  command->callback([left, right] { print_diff(*left, *right); });
}

void add_trace_sql(CLI::App& trace) {
  auto* command = trace.add_subcommand(
      "sql", "Answer an SQL query over the tables about, actors, events and messages");
  const auto file = std::make_shared<std::string>(), query = std::make_shared<std::string>();
  command->add_option("FILE", *file, "Trace to ask")->required()->type_name("");
  command
      ->add_option("QUERY", *query,
                   "Such as \"SELECT type, count(*) FROM messages GROUP BY "
                   "type\"")
      ->required()
      ->type_name("");
  command->callback([file, query] { print_query(*file, *query); });
}

}  // namespace nodezero::apps
