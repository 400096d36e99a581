// SPDX-License-Identifier: BSD-3-Clause
#include "apps/manual/completion.hpp"

#include <vector>

#include <fmt/format.h>
#include <fmt/ranges.h>

namespace nodezero::apps {

namespace {

/// Of a command and those inside it: what may follow its name, and what may follow its options.
struct Cases {
  std::vector<std::string> commands;  ///< in quotes
  std::string words;
  std::string values;
  std::vector<std::string> free_values;  ///< options whose value only the person knows, in quotes
};

bool is_path(const OptionText& option) {
  return option.placeholder.find("FILE") != std::string::npos || option.placeholder == "DIR" ||
         option.placeholder == "PATH";
}

void add(const CommandText& command, Cases& cases) {
  cases.commands.push_back(fmt::format("'{}'", command.name));
  std::string words;
  for (const CommandText& child : command.commands) {
    words += child.name.substr(command.name.size() + 1) + " ";
    add(child, cases);
  }
  for (const OptionText& option : command.options) {
    if (option.is_positional) {
      continue;
    }
    words += option.name + " ";
    const auto pattern = fmt::format("'{} {}'", command.name, option.name);
    if (!option.choices.empty()) {
      cases.values +=
          fmt::format("    {}) words='{}' ;;\n", pattern, fmt::join(option.choices, " "));
    } else if (!option.placeholder.empty() && !is_path(option)) {
      cases.free_values.push_back(pattern);
    }
  }
  words.pop_back();
  cases.words += fmt::format("        '{}') words='{}' ;;\n", command.name, words);
}

}  // namespace

std::string bash_completion(const CommandText& program) {
  Cases cases;
  add(program, cases);
  return fmt::format(R"bash(# Completes the commands and options of nodezero in bash.
_nodezero() {{
  local word=${{COMP_WORDS[COMP_CWORD]}} before=${{COMP_WORDS[COMP_CWORD - 1]}}
  local command={0} words='' position
  # Bash takes --option=value for three words.
  if [ "$word" = = ]; then
    word=''
  elif [ "$before" = = ]; then
    before=${{COMP_WORDS[COMP_CWORD - 2]}}
  fi
  for ((position = 1; position < COMP_CWORD; ++position)); do
    case "$command ${{COMP_WORDS[position]}}" in
      {1}) command+=" ${{COMP_WORDS[position]}}" ;;
    esac
  done
  case "$command $before" in
{2}    {3}) compopt +o bashdefault +o default ;;
    *)
      case "$command" in
{4}      esac
      # Without a hyphen, it may be a file.
      [[ $word == -* || $words != -* ]] || words='' ;;
  esac
  mapfile -t COMPREPLY < <(compgen -W "$words" -- "$word")
}}
complete -o bashdefault -o default -F _nodezero {0}
)bash",
                     program.name, fmt::join(cases.commands, " | "), cases.values,
                     fmt::join(cases.free_values, " | "), cases.words);
}

}  // namespace nodezero::apps
