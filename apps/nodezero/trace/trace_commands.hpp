// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>

#include "runtime/inspect/filter.hpp"

namespace nodezero::apps {

// The subcommands of `nodezero trace`. Each reads a trace file and prints to stdout.
// @throws CommandError, or CommandExit when the output already says everything

void trace_summary(const std::string& file);
void trace_check(const std::string& file);
void trace_show(const std::string& file, const runtime::inspect::Filter& filter);
void trace_follow(const std::string& file, const runtime::inspect::Filter& filter);
void trace_diff(const std::string& left, const std::string& right);
void trace_sql(const std::string& file, const std::string& query);

struct WhyOptions {
  std::string file;
  std::uint64_t event = 0;
  std::uint64_t depth = 25;  ///< most reasons to print; 0: all
  bool mermaid = false;
  bool json = false;
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
