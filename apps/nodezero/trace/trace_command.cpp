// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/commands.hpp"
#include "apps/nodezero/trace/trace_commands.hpp"

namespace nodezero::apps {

void add_trace_command(CLI::App& program) {
  auto* trace = program.add_subcommand(
      "trace", "Find out from a recorded trace what happened in a run, in which order, and why");
  trace->require_subcommand(1);
  add_trace_questions(*trace);
  add_trace_follow(*trace);
  add_trace_diff(*trace);
  add_trace_sql(*trace);
  add_trace_export(*trace);
}

}  // namespace nodezero::apps
