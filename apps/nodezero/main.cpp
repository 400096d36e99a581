// SPDX-License-Identifier: BSD-3-Clause

// nodezero: trains, samples and evaluates GPT-2 models as a tree of actors.

#include "apps/nodezero/command_line/commands.hpp"

int main(int argc, char** argv) {
  return nodezero::apps::run_program(argc, argv);
}
