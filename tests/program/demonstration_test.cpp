// SPDX-License-Identifier: BSD-3-Clause

// The demonstration of the regressions, through the program: after enough epochs on the
// licence its samples are made of the licence's words, where the old system wrote
// "token_903 token_1366 token_0 token_0".

#include <cctype>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <set>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

std::vector<std::string> words_of(const std::string& text) {
  std::vector<std::string> words(1);
  for (const unsigned char character : text) {
    if (std::isalpha(character)) {
      words.back() += static_cast<char>(character);
    } else if (!words.back().empty()) {
      words.emplace_back();
    }
  }
  if (words.back().empty()) {
    words.pop_back();
  }
  return words;
}

#ifndef NODEZERO_SANITIZED  // what is learnt in half a minute takes more than ten under a sanitizer
TEST(Demonstration, SamplesAreMadeOfTheLicencesWords) {  // C5, C7
  const std::string licence = "/usr/share/common-licenses/GPL-3";
  ASSERT_TRUE(std::filesystem::exists(licence)) << licence << " is missing: every Debian has it";
  const Folder folder;
  const auto trained =
      run(folder, {"train", "--data",          licence, "--out",           "gpl", "--preset",
                   "demo",  "--layers",        "4",     "--heads",         "4",   "--width",
                   "128",   "--context",       "64",    "--micro-batches", "2",   "--batch",
                   "3",     "--learning-rate", "2e-3",  "--epochs",        "60"});
  ASSERT_EQ(trained.exit_code, 0) << trained.err;
  const auto sample =
      run(folder, {"generate", "--model", "gpl", "--prompt", "This License", "--tokens", "500"});
  ASSERT_EQ(sample.exit_code, 0) << sample.err;

  std::ifstream file(licence);
  const auto known = words_of({std::istreambuf_iterator<char>(file), {}});
  const std::set<std::string> vocabulary(known.begin(), known.end());
  const auto words = words_of(sample.out);
  ASSERT_GE(words.size(), 40u);
  std::size_t found = 0;
  for (const auto& word : words) {
    found += vocabulary.count(word);
  }
  EXPECT_GE(static_cast<double>(found), 0.7 * static_cast<double>(words.size()))
      << found << " of " << words.size() << " words:\n"
      << sample.out;
}
#endif

}  // namespace
}  // namespace nodezero::test
