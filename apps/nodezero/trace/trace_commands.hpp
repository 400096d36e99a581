// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>

namespace nodezero::apps {

// The subcommands of `nodezero trace`, by file. They follow the rules of commands.hpp.

void add_trace_questions(CLI::App& trace);  ///< summary, check, why, show
void add_trace_follow(CLI::App& trace);
void add_trace_diff(CLI::App& trace);
void add_trace_sql(CLI::App& trace);
void add_trace_export(CLI::App& trace);

}  // namespace nodezero::apps
