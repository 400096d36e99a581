// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace CLI {
class App;
}

namespace nodezero::apps {

struct JsonOptions;
struct Listening;
struct TrainRequest;

// The command line: all options, and which function each command calls. A callback that returns has
// succeeded; otherwise it throws CommandError (common.hpp), which becomes one line and an exit
// code, or CommandExit. Results go to stdout, everything else to stderr.
//
// A file that includes CLI11 takes several seconds longer to compile. So only this room knows it,
// and the commands do not.

/// Adds --json to a command, and, if its answer has a long list, --offset and --limit.
void add_json(CLI::App& command, JsonOptions& options, bool is_paged = false);

/// Runs the command that the arguments name and returns the program's exit code.
int run_program(int argc, char** argv);

/// An option that has the program compute with other kernels than the best ones for this processor.
void add_kernels(CLI::App& command);

/// Gives an empty `program` all commands and options. They are parsed with it, and the manual is
/// made from it.
void define_program(CLI::App& program);

/// train, generate, eval, tokenize, export, plot, topology, digest, bench, and those of other
/// machines
void add_model_commands(CLI::App& program);

/// serve
void add_serve(CLI::App& program);

/// secret, host, hosts
void add_host_commands(CLI::App& program);

/// The options of `train` that let other machines take part.
void add_listening(CLI::App& command, Listening& listening);

/// Trains, unless a cluster has started this process as one of the hosts.
/// @throws CommandError, CommandExit
void train_as_told(const TrainRequest& request, const Listening& listening);

/// The options of `train` that have it answer requests for text as well.
void add_serving_while_training(CLI::App& command, TrainRequest& request);

/// trace, verify, replay
void add_checking_commands(CLI::App& program);

}  // namespace nodezero::apps
