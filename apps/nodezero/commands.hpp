// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <CLI/CLI.hpp>

namespace nodezero::apps {

/// Each function adds one subcommand to the program: its options and, as CLI11 callback,
/// what it does. A callback that returns means success. It ends otherwise by throwing
/// CommandError (common.hpp), which `main` prints as one line, or CommandExit.
/// The result of a command goes to stdout, everything else to stderr.

void add_train_command(CLI::App& program);
void add_generate_command(CLI::App& program);
void add_eval_command(CLI::App& program);
void add_topology_command(CLI::App& program);
void add_digest_command(CLI::App& program);
void add_bench_command(CLI::App& program);
void add_trace_command(CLI::App& program);
void add_verify_command(CLI::App& program);
void add_replay_command(CLI::App& program);

}  // namespace nodezero::apps
