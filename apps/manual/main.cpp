// SPDX-License-Identifier: BSD-3-Clause

// nodezero_manual FOLDER: writes the man pages and the completion for bash, both made from the
// definitions that the program itself parses its command line with.

#include <cstdio>
#include <filesystem>
#include <fstream>

#include "apps/manual/command_text.hpp"
#include "apps/manual/completion.hpp"
#include "apps/manual/pages.hpp"

namespace {

void write(const std::filesystem::path& path, const std::string& text) {
  std::filesystem::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  out.exceptions(std::ios::failbit | std::ios::badbit);
  out << text;
}

}  // namespace

int main(int argc, char** argv) {
  using namespace nodezero::apps;
  if (argc != 2) {
    std::fputs("usage: nodezero_manual FOLDER\n", stderr);
    return 2;
  }
  const std::filesystem::path folder = argv[1];
  const CommandText program = describe_command_line();
  const auto write_page = [&](const CommandText& command, const std::string& text) {
    write(folder / "man/man1" / (page_name(command) + ".1"), text);
  };
  write_page(program, program_page(program));
  for (const CommandText& command : program.commands) {
    write_page(command, command_page(command));
  }
  write(folder / "bash-completion/completions/nodezero", bash_completion(program));
  return 0;
}
