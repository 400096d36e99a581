// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

namespace nodezero::apps {

/// What can be said of an option without knowing how it is parsed.
struct OptionText {
  std::string name;         ///< "--depth", or "FILE" for a positional argument
  std::string short_name;   ///< "-h", or empty
  std::string placeholder;  ///< "N"; empty for flags and positional arguments
  std::string default_text;
  std::string description;
  std::string group;  ///< heading in the help text
  std::vector<std::string> choices;
  bool is_positional = false;
  bool is_required = false;
  bool takes_several = false;
};

struct CommandText {
  std::string name;  ///< all words, such as "nodezero trace why"
  std::string description;
  std::vector<OptionText> options;
  std::vector<CommandText> commands;
};

/// The whole command line of the program.
CommandText describe_command_line();

}  // namespace nodezero::apps
