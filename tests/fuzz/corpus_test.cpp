// SPDX-License-Identifier: BSD-3-Clause

// Reads every file of the corpora, and what a few thousand small changes make of it.
// scripts/fuzz.sh searches on.

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <random>
#include <string>
#include <sys/resource.h>
#include <vector>

#include <gtest/gtest.h>

#include "tests/fuzz/targets.hpp"
#include "tests/support/source_folder.hpp"

namespace nodezero::fuzz {
namespace {

std::vector<std::string> corpus_of(const Target& target) {
  std::vector<std::filesystem::path> paths;
  const auto folder = test::source_folder() / "tests/fuzz/corpus" / target.name;
  for (const auto& entry : std::filesystem::directory_iterator(folder)) {
    paths.push_back(entry.path());
  }
  std::ranges::sort(paths);
  std::vector<std::string> contents;
  for (const auto& path : paths) {
    std::ifstream file(path, std::ios::binary);
    contents.emplace_back(std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>());
  }
  return contents;
}

/// Changes a file as damage and malice do: bits, numbers at their limits, pieces lost, moved and
/// repeated.
void change(std::string& bytes, std::mt19937& random) {
  const auto below = [&](std::size_t end) { return end == 0 ? 0 : random() % end; };
  const auto at = below(bytes.size());
  switch (random() % 6) {
    case 0:
      if (!bytes.empty()) {
        bytes[at] = static_cast<char>(bytes[at] ^ 1 << random() % 8);
      }
      return;
    case 1: {
      const std::uint64_t limits[] = {0, 1, 0x7F, 0xFF, 0x7FFFFFFF, 0xFFFFFFFF, ~0ULL, ~0ULL >> 1};
      const auto number = limits[random() % 8];
      const std::size_t size = std::size_t{1} << random() % 4;
      for (std::size_t i = 0; i < size && at + i < bytes.size(); ++i) {
        bytes[at + i] = static_cast<char>(number >> 8 * i);
      }
      return;
    }
    case 2:
      bytes.resize(at);
      return;
    case 3:
      bytes.erase(at, below(20));
      return;
    case 4:
      bytes.insert(at, bytes.substr(below(bytes.size()), below(40)));
      return;
    default:
      bytes.insert(at, 1, "[]{}\",:0-9e\\\xFF\n"[random() % 15]);
  }
}

class Fuzz : public testing::TestWithParam<Target> {};

TEST_P(Fuzz, ReadsTheCorpusAndItsNeighbours) {
#if !defined(__SANITIZE_ADDRESS__) && !defined(__SANITIZE_THREAD__)
  // What asks for far more memory than there are bytes is a fault as well.
  const rlimit limit{std::size_t{2} << 30, RLIM_INFINITY};
  ASSERT_EQ(::setrlimit(RLIMIT_AS, &limit), 0);
#endif
  const auto corpus = corpus_of(GetParam());
  ASSERT_FALSE(corpus.empty());
  std::mt19937 random(1);
  for (const auto& seed : corpus) {
    GetParam().read(std::as_bytes(std::span(seed)));
  }
  for (int round = 0; round < 1'500; ++round) {
    auto bytes = corpus[random() % corpus.size()];
    for (auto changes = 1 + random() % 4; changes > 0; --changes) {
      change(bytes, random);
    }
    GetParam().read(std::as_bytes(std::span(bytes)));
  }
}

INSTANTIATE_TEST_SUITE_P(Parsers, Fuzz, testing::ValuesIn(targets().begin(), targets().end()),
                         [](const auto& info) { return std::string(info.param.name); });

}  // namespace
}  // namespace nodezero::fuzz
