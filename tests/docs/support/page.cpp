// SPDX-License-Identifier: BSD-3-Clause
#include "support/page.hpp"

#include <algorithm>
#include <array>
#include <cctype>
#include <cstdio>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <sys/wait.h>

namespace nodezero::test {

namespace {

constexpr std::string_view fence = "```";
constexpr std::string_view comment_begins = "<!-- ";
constexpr std::string_view comment_ends = " -->";

std::string marker_in(const std::string& line) {
  if (!line.starts_with(comment_begins) || !line.ends_with(comment_ends)) {
    return "";
  }
  return line.substr(comment_begins.size(),
                     line.size() - comment_begins.size() - comment_ends.size());
}

std::string quoted(const std::string& text) {
  std::string result = "'";
  for (const char c : text) {
    result += c == '\'' ? std::string("'\\''") : std::string(1, c);
  }
  return result + "'";
}

}  // namespace

bool Block::has_marker(const std::string& word, std::string* rest) const {
  if (marker != word && !marker.starts_with(word + ": ")) {
    return false;
  }
  if (rest != nullptr) {
    *rest = marker == word ? "" : marker.substr(word.size() + 2);
  }
  return true;
}

std::string Block::place() const {
  return page + ":" + std::to_string(line);
}

std::filesystem::path repository() {
  return NODEZERO_SOURCE_DIR;
}

std::vector<std::string> pages() {
  std::vector<std::string> found;
  for (const char* folder : {"", "docs", "examples"}) {
    for (const auto& entry : std::filesystem::directory_iterator(repository() / folder)) {
      if (entry.path().extension() == ".md") {
        found.push_back(entry.path().lexically_relative(repository()).string());
      }
    }
  }
  std::sort(found.begin(), found.end());
  return found;
}

std::string content(const std::string& file) {
  std::ifstream stream(repository() / file, std::ios::binary);
  if (!stream) {
    throw std::runtime_error("cannot read " + file);
  }
  std::ostringstream text;
  text << stream.rdbuf();
  return text.str();
}

std::vector<Block> blocks_of(const std::string& page) {
  std::vector<Block> blocks;
  std::istringstream lines(content(page));
  std::string line, before;
  bool inside = false;
  for (int number = 1; std::getline(lines, line); ++number) {
    if (line.starts_with(fence)) {
      inside = !inside;
      if (inside) {
        blocks.push_back({page, number, line.substr(fence.size()), marker_in(before), ""});
      }
    } else if (inside) {
      blocks.back().text += line + "\n";
    }
    before = line;
  }
  if (inside) {
    throw std::runtime_error("the block is never closed: " + blocks.back().place());
  }
  return blocks;
}

std::vector<Block> all_blocks() {
  std::vector<Block> all;
  for (const auto& page : pages()) {
    const auto blocks = blocks_of(page);
    all.insert(all.end(), blocks.begin(), blocks.end());
  }
  return all;
}

std::string test_name(const Block& block) {
  std::string name = block.page + "_" + std::to_string(block.line);
  std::replace_if(
      name.begin(), name.end(), [](unsigned char c) { return std::isalnum(c) == 0; }, '_');
  return name;
}

void PrintTo(const Block& block, std::ostream* out) {
  *out << block.place();
}

Output shell(const std::filesystem::path& folder, const std::string& command) {
  const auto program = std::filesystem::path(NODEZERO_BINARY).parent_path().string();
  const auto whole = "cd " + quoted(folder.string()) + " && PATH=" + quoted(program) +
                     ":$PATH && { " + command + "\n} 2>&1";
  std::FILE* pipe = popen(whole.c_str(), "r");
  if (pipe == nullptr) {
    throw std::runtime_error("cannot start a shell");
  }
  Output output;
  std::array<char, 4'096> buffer{};
  while (const auto count = std::fread(buffer.data(), 1, buffer.size(), pipe)) {
    output.text.append(buffer.data(), count);
  }
  const int status = pclose(pipe);
  output.exit_code = WIFEXITED(status) ? WEXITSTATUS(status) : -1;
  return output;
}

}  // namespace nodezero::test
