#include "apps/nodezero/commands.hpp"

namespace nodezero::apps {

void add_train_command(CLI::App& program) {
  program.add_subcommand("train", "Train a model on text");
}

}  // namespace nodezero::apps
