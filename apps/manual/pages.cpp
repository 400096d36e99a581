// SPDX-License-Identifier: BSD-3-Clause
#include "apps/manual/pages.hpp"

#include <algorithm>
#include <vector>

#include <fmt/format.h>

namespace nodezero::apps {

namespace {

/// Text of a paragraph. man would take a hyphen for a typographic one, a backslash for a command,
/// and a line that begins with a full stop or an apostrophe for a request.
std::string escaped(const std::string& text) {
  std::string out = text.starts_with('.') || text.starts_with('\'') ? "\\&" : "";
  for (const char c : text) {
    out += c == '-' ? "\\-" : c == '\\' ? "\\e" : std::string(1, c);
  }
  return out;
}

std::string bold(const std::string& text) {
  return "\\fB" + escaped(text) + "\\fR";
}

std::string italic(const std::string& text) {
  return "\\fI" + escaped(text) + "\\fR";
}

std::string header(const std::string& page, std::string description) {
  description.front() = static_cast<char>(std::tolower(description.front()));
  std::string title = page;
  std::transform(title.begin(), title.end(), title.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  return fmt::format(".TH {} 1 \"\" \"nodezero {}\" \"User Commands\"\n.SH NAME\n{} \\- {}\n",
                     escaped(title), NODEZERO_VERSION, escaped(page), escaped(description));
}

std::string synopsis(const CommandText& command) {
  std::string line = fmt::format("{} [{}]", bold(command.name), italic("OPTIONS"));
  for (const OptionText& option : command.options) {
    if (option.is_positional) {
      line += fmt::format(" {}", italic(option.name));
    } else if (option.is_required) {
      line += fmt::format(" {} {}", bold(option.name), italic(option.placeholder));
    }
  }
  return line + "\n";
}

std::string entry(const OptionText& option) {
  std::string text = ".TP\n";
  if (!option.short_name.empty()) {
    text += bold(option.short_name) + ", ";
  }
  text += option.is_positional ? italic(option.name) : bold(option.name);
  if (!option.placeholder.empty()) {
    text += fmt::format(" {}{}", italic(option.placeholder), option.takes_several ? " ..." : "");
  }
  text += fmt::format("\n{}", escaped(option.description));
  if (!option.default_text.empty()) {
    text += fmt::format(" (default: {})", escaped(option.default_text));
  }
  return text + "\n";
}

/// The options by their groups, in the order of the first of each.
std::string options(const CommandText& command, const char* heading) {
  std::vector<std::string> groups;
  for (const OptionText& option : command.options) {
    if (std::find(groups.begin(), groups.end(), option.group) == groups.end()) {
      groups.push_back(option.group);
    }
  }
  std::string text;
  for (const std::string& group : groups) {
    if (groups.size() > 1) {
      text += fmt::format("{} \"{}\"\n", heading, escaped(group));
    }
    for (const OptionText& option : command.options) {
      text += option.group == group ? entry(option) : "";
    }
  }
  return text;
}

std::string ending(const std::string& see_also) {
  return ".SH EXIT STATUS\n.TP\n0\nsuccess\n.TP\n1\nthe work began and failed, or what was "
         "looked for was found\n.TP\n2\nthe request was wrong; nothing was changed\n"
         ".SH SEE ALSO\n" +
         see_also + "\n";
}

}  // namespace

std::string page_name(const CommandText& command) {
  std::string name = command.name;
  std::replace(name.begin(), name.end(), ' ', '-');
  return name;
}

std::string program_page(const CommandText& program) {
  std::string text = header(program.name, program.description);
  text += fmt::format(".SH SYNOPSIS\n{} {} [{}]\n", bold(program.name), italic("COMMAND"),
                      italic("OPTIONS"));
  text += ".SH COMMANDS\n";
  std::string see_also;
  for (const CommandText& command : program.commands) {
    const std::string page = bold(page_name(command)) + "(1)";
    text += fmt::format(".TP\n{}\n{}\n", page, escaped(command.description));
    see_also += (see_also.empty() ? "" : ",\n") + page;
  }
  text += ".SH OPTIONS\n" + options(program, ".SS");
  return text + ending(see_also);
}

std::string command_page(const CommandText& command) {
  std::string text = header(page_name(command), command.description);
  text += ".SH SYNOPSIS\n";
  for (const CommandText& child : command.commands) {
    text += synopsis(child) + ".br\n";
  }
  text += command.commands.empty() ? synopsis(command) : "";
  text += ".SH OPTIONS\n" + options(command, ".SS");
  for (const CommandText& child : command.commands) {
    text += fmt::format(".SH \"{}\"\n{}\n", escaped(child.name), escaped(child.description));
    text += options(child, ".SS");
  }
  return text + ending(bold("nodezero") + "(1)");
}

}  // namespace nodezero::apps
