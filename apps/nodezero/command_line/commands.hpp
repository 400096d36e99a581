// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace CLI {
class App;
}

namespace nodezero::apps {

// The subcommands of the program: their options, and which function each of them calls. A callback
// that returns has succeeded; otherwise it throws CommandError (common.hpp), which `main` prints as
// one line, or CommandExit. Results go to stdout, everything else to stderr.
//
// A file that includes CLI11 takes several seconds longer to compile. So only this room knows it,
// and the commands do not.

/// train, generate, eval, topology, digest, bench
void add_model_commands(CLI::App& program);

/// trace, verify, replay
void add_checking_commands(CLI::App& program);

}  // namespace nodezero::apps
