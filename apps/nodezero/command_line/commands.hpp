// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace CLI {
class App;
}

namespace nodezero::apps {

// The subcommands of the program: what each may be told, and whom it calls. A callback that
// returns means success. It ends otherwise by throwing CommandError (common.hpp), which `main`
// prints as one line, or CommandExit. The result of a command goes to stdout, everything else to
// stderr.
//
// CLI11 costs a file that includes it several seconds to compile. So the commands know nothing of
// it, and only this room does.

/// train, generate, eval, topology, digest, bench
void add_model_commands(CLI::App& program);

/// trace, verify, replay
void add_checking_commands(CLI::App& program);

}  // namespace nodezero::apps
