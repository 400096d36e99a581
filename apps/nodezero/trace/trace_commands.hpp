// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "apps/nodezero/terminal/json_answer.hpp"
#include "runtime/inspect/filter.hpp"
#include "runtime/inspect/tables.hpp"

namespace nodezero::apps {

// The subcommands of `nodezero trace`. Each reads a trace file and prints to stdout.
// @throws CommandError, or CommandExit when the output already says everything

void trace_summary(const std::string& file, const JsonOptions& output);
void trace_check(const std::string& file, const JsonOptions& output);
void trace_show(const std::string& file, const runtime::inspect::Filter& filter);
void trace_follow(const std::string& file, const runtime::inspect::Filter& filter);

struct SqlOptions {
  std::string file, query;
  std::uint64_t most_steps = runtime::inspect::default_most_steps;
};
void trace_sql(const SqlOptions& options);

struct MergeOptions {
  std::vector<std::string> files;  ///< one a machine
  std::string out;
};
void trace_merge(const MergeOptions& options);

struct DiffOptions {
  std::string left, right;
  bool as_page = false;  ///< HTML, in place of text
  std::string out;       ///< of the page; empty: stdout
  JsonOptions output;
};
void trace_diff(const DiffOptions& options);

struct WhyOptions {
  std::string file;
  std::string event;         ///< its number, or an answer's identifier
  std::uint64_t depth = 25;  ///< most reasons to print; 0: all
  bool mermaid = false;
  JsonOptions output;
};
void trace_why(const WhyOptions& options);

struct ExportOptions {
  std::string file, format;
  std::string out;          ///< empty: stdout
  std::uint64_t event = 0;  ///< for mermaid; 0: none
};
void trace_export(const ExportOptions& options, const runtime::inspect::Filter& filter);
/// Turns exported JSON lines back into a trace file.
void trace_import(const std::string& lines, const std::string& file);

}  // namespace nodezero::apps
