// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <iosfwd>
#include <string>
#include <vector>

namespace nodezero::test {

/// A fenced block of a Markdown page.
struct Block {
  std::string page;      ///< relative to the repository
  int line = 0;          ///< of its opening fence
  std::string language;  ///< what follows the fence, such as cpp
  std::string marker;    ///< text of the HTML comment on the line above; empty if there is none
  std::string text;

  /// The rest of the marker if it begins with `word`, such as "host.cpp" of "inside: host.cpp".
  bool has_marker(const std::string& word, std::string* rest = nullptr) const;
  /// Page and line, for messages.
  std::string place() const;
};

/// The pages a stranger reads, relative to the repository: README.md and others at the top, and
/// everything in docs/ and examples/.
std::vector<std::string> pages();

/// The text of a file of the repository.
std::string content(const std::string& file);

std::vector<Block> blocks_of(const std::string& page);

/// All blocks of all pages.
std::vector<Block> all_blocks();

/// A name for a parametrised test: the page and the line, with letters, digits and underscores.
std::string test_name(const Block& block);

std::filesystem::path repository();

/// How GoogleTest names a block.
void PrintTo(const Block& block, std::ostream* out);

/// A finished shell command.
struct Output {
  int exit_code = -1;
  std::string text;  ///< of stdout and stderr together
};

/// Runs a command with `nodezero` on its path, in that folder.
Output shell(const std::filesystem::path& folder, const std::string& command);

}  // namespace nodezero::test
