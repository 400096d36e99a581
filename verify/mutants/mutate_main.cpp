// SPDX-License-Identifier: BSD-3-Clause

// Copies the sources of actors/ and puts all mutants into the copy, each as a branch that is chosen
// at run time. Writes only what has changed.
//
//   nodezero_mutate <root of the project> <folder of the copy>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <optional>

#include <fmt/format.h>

#include "verify/mutants/mutated_source.hpp"

namespace {

namespace fs = std::filesystem;
using namespace nodezero::mutants;

std::optional<std::string> read(const fs::path& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) {
    return std::nullopt;
  }
  return std::string{std::istreambuf_iterator<char>(in), {}};
}

bool write_if_other(const fs::path& path, const std::string& text) {
  if (read(path) == text) {
    return true;
  }
  fs::create_directories(path.parent_path());
  std::ofstream out(path, std::ios::binary);
  return static_cast<bool>(out << text << std::flush);
}

int fail(const std::string& what) {
  fmt::print(stderr, "nodezero_mutate: {}\n", what);
  return 1;
}

std::map<std::string, std::vector<NumberedEdit>> edits_by_file() {
  std::map<std::string, std::vector<NumberedEdit>> edits;
  for (const auto& mutant : all()) {
    for (const auto& edit : mutant.edits) {
      edits[edit.file].push_back({number_of(mutant.name), mutant.name, edit});
    }
  }
  return edits;
}

/// Two mutants of one number, which is rare; empty if there are none.
std::string same_number() {
  std::map<std::size_t, std::string_view> names;
  for (const auto& mutant : all()) {
    const auto [other, is_new] = names.try_emplace(number_of(mutant.name), mutant.name);
    if (!is_new) {
      return fmt::format("mutants {} and {} have the same number: name one of them otherwise",
                         other->second, mutant.name);
    }
  }
  return {};
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 3) {
    fmt::print(stderr, "usage: nodezero_mutate <root of the project> <folder of the copy>\n");
    return 2;
  }
  if (const auto found = same_number(); !found.empty()) {
    return fail(found);
  }
  const fs::path root = argv[1];
  auto edits = edits_by_file();
  for (const auto& entry : fs::recursive_directory_iterator(root / "actors")) {
    const auto file = entry.path().lexically_relative(root);
    if (file.extension() != ".cpp" && file.extension() != ".hpp") {
      continue;
    }
    const auto source = read(entry.path());
    if (!source) {
      return fail(fmt::format("cannot read {}", entry.path().string()));
    }
    std::string text = fmt::format("#line 1 \"{}\"\n{}", entry.path().string(), *source);
    if (const auto found = edits.extract(file.generic_string())) {
      const auto mutated = mutated_source(*source, found.mapped());
      if (!mutated) {
        return fail(mutated.error());
      }
      text = fmt::format("#include \"verify/mutants/switches.hpp\"\n#line 1 \"{}\"\n{}",
                         entry.path().string(), *mutated);
    }
    if (!write_if_other(argv[2] / file, text)) {
      return fail(fmt::format("cannot write {}", (argv[2] / file).string()));
    }
  }
  if (!edits.empty()) {
    const auto& [file, of_file] = *edits.begin();
    return fail(fmt::format("{}: mutant {} changes this file, which is not in actors/", file,
                            of_file.front().mutant));
  }
}
