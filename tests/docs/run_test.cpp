// SPDX-License-Identifier: BSD-3-Clause

// The shell blocks that are marked `<!-- run -->` run, in the order of their page and in one
// folder, and every command succeeds. Markers:
//
//   run                        as written
//   run: train --steps 3 ...   with these options added to each `nodezero train`, to make it tiny
//   run: same output           and prints the lines that follow the command; ... stands for
//   anything
//
// `$ cat FILE` is followed by the content of a file, which is written first.

#include <fstream>
#include <optional>
#include <regex>
#include <set>
#include <sstream>

#include <gtest/gtest.h>

#include "program/support/program.hpp"
#include "support/page.hpp"

namespace nodezero::test {

namespace {

struct Command {
  std::string line;
  std::string output;  ///< as the page shows it
};

/// The commands of a block: lines after a prompt in a console, all lines in a script.
std::vector<Command> commands_of(const Block& block) {
  std::vector<Command> commands;
  std::istringstream lines(block.text);
  for (std::string line; std::getline(lines, line);) {
    if (block.language == "console") {
      if (line.starts_with("$ ")) {
        commands.push_back({line.substr(2), ""});
      } else if (!commands.empty()) {
        commands.back().output += line + "\n";
      }
    } else if (block.language == "sh" && !line.empty()) {
      commands.push_back({line, ""});
    }
  }
  return commands;
}

/// A pattern for the text, in which "..." stands for anything.
std::regex pattern_of(const std::string& text) {
  std::string pattern;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.compare(i, 3, "...") == 0) {
      pattern += "[^]*";
      i += 2;
    } else {
      pattern += std::string_view("^$\\.*+?()[]{}|").find(text[i]) != std::string::npos
                     ? std::string("\\") + text[i]
                     : std::string(1, text[i]);
    }
  }
  return std::regex(pattern);
}

/// `nodezero train ... # comment` with more options.
std::string with_options(const std::string& line, const std::string& options) {
  const auto comment = line.find(" #");
  return line.substr(0, comment) + " " + options;
}

std::vector<std::string> pages_that_run() {
  std::set<std::string> found;
  for (const auto& block : all_blocks()) {
    if (block.has_marker("run")) {
      found.insert(block.page);
    }
  }
  return {found.begin(), found.end()};
}

class Page : public testing::TestWithParam<std::string> {};

TEST_P(Page, Runs) {
  const Folder folder;
  for (const char* name : {"text.txt", "tinyshakespeare.txt"}) {
    write_text(folder, name, 8'000);
  }
  for (const auto& block : blocks_of(GetParam())) {
    std::string detail;
    if (!block.has_marker("run", &detail)) {
      continue;
    }
    const auto commands = commands_of(block);
    EXPECT_FALSE(commands.empty()) << block.place() << ": no command in a block that should run";
    for (const auto& command : commands) {
      auto line = command.line;
      if (line.starts_with("cat ")) {
        std::ofstream(folder / line.substr(4)) << command.output;
      }
      if (detail.starts_with("train ") && line.starts_with("nodezero train ")) {
        line = with_options(line, detail.substr(6));
      }
      const auto ended = shell(folder.path(), line);
      ASSERT_EQ(ended.exit_code, 0) << block.place() << ": " << line << "\n" << ended.text;
      if (detail == "same output" && !command.output.empty()) {
        EXPECT_TRUE(std::regex_match(ended.text, pattern_of(command.output)))
            << block.place() << ": " << line << "\nshows:\n"
            << command.output << "prints:\n"
            << ended.text;
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Docs, Page, testing::ValuesIn(pages_that_run()), [](const auto& info) {
  return test_name({info.param, 1, "", "", ""});
});

/// The command of a line, such as "trace check", and the options that its help lists.
std::optional<std::string> help_of(const std::string& line) {
  static const std::regex command("nodezero ((trace )?[a-z]+)( .*)?");
  std::smatch found;
  if (!std::regex_match(line, found, command)) {
    return std::nullopt;
  }
  return shell(".", "nodezero " + found[1].str() + " --help").text;
}

TEST(Commands, InPagesHaveTheOptionsThatTheyAreGiven) {
  static const std::regex option("(--[a-z][a-z0-9-]*)");
  for (const auto& block : all_blocks()) {
    for (const auto& command : commands_of(block)) {
      const auto help = help_of(command.line);
      if (!help) {
        continue;
      }
      const auto& line = command.line;
      for (std::sregex_iterator found(line.begin(), line.end(), option), end; found != end;
           ++found) {
        EXPECT_TRUE(std::regex_search(*help, std::regex("  " + found->str() + "[^a-z0-9-]")))
            << block.place() << ": no option " << found->str() << " in: " << line;
      }
    }
  }
}

}  // namespace

}  // namespace nodezero::test
