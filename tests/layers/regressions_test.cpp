// SPDX-License-Identifier: BSD-3-Clause

// docs/regressions.md against the tests: a row that a test or a mutant names stands there, and the
// tests that stand there exist.

#include <filesystem>
#include <fstream>
#include <iterator>
#include <map>
#include <regex>
#include <set>
#include <string>
#include <vector>

#include <gtest/gtest.h>

#include "tests/support/source_folder.hpp"

namespace nodezero::layers {
namespace {

namespace fs = std::filesystem;

using Names = std::set<std::string>;

std::string content_of(const fs::path& file) {
  std::ifstream stream(file);
  return {std::istreambuf_iterator<char>(stream), {}};
}

/// All that the first group of the pattern matches.
Names matches(const std::string& text, const std::string& pattern) {
  const std::regex regex(pattern);
  Names found;
  for (std::sregex_iterator it(text.begin(), text.end(), regex), end; it != end; ++it) {
    found.insert((*it)[1]);
  }
  return found;
}

/// The table's rows, each with the tests that it names.
std::map<std::string, Names> rows_of(const std::string& page) {
  const std::regex row(R"(\| ([A-D]\d+) \|[^\n]*\| ([^|\n]+) \|)");
  std::map<std::string, Names> rows;
  for (std::sregex_iterator it(page.begin(), page.end(), row), end; it != end; ++it) {
    EXPECT_TRUE(rows.emplace((*it)[1], matches((*it)[2], "`([^`]+)`")).second)
        << (*it)[1] << " stands there twice";
  }
  return rows;
}

/// Rows that a source names: in comments of tests, in strings of mutants.
Names marks_in(const std::string& source) {
  static const std::regex line(R"(//.*|"[A-D]\d+( [A-D]\d+)*")");
  Names found;
  for (std::sregex_iterator it(source.begin(), source.end(), line), end; it != end; ++it) {
    found.merge(matches(it->str(), R"(\b([A-D]\d{1,2})\b)"));
  }
  return found;
}

/// The names of a source's tests, as --gtest_filter takes them.
Names tests_in(const std::string& source) {
  static const std::regex test(R"(\nTEST(?:_F|_P)?\((\w+),\s*(\w+)\))");
  Names found;
  for (std::sregex_iterator it(source.begin(), source.end(), test), end; it != end; ++it) {
    found.insert((*it)[1].str() + "." + (*it)[2].str());
  }
  return found;
}

struct Sources {
  std::map<std::string, Names> marks;  ///< by row: the files that name it
  Names tests;
};

Sources read_sources(const fs::path& root) {
  Sources sources;
  for (const char* folder : {"tests", "verify/mutants"}) {
    for (const auto& entry : fs::recursive_directory_iterator(root / folder)) {
      const auto extension = entry.path().extension();
      if (extension != ".cpp" && extension != ".hpp" && extension != ".inc") {
        continue;
      }
      const std::string text = content_of(entry.path());
      for (const auto& row : marks_in(text)) {
        sources.marks[row].insert(fs::relative(entry.path(), root).string());
      }
      sources.tests.merge(tests_in(text));
    }
  }
  return sources;
}

TEST(Regressions, EveryRowThatIsNamedHasALineAndEveryLineItsTests) {
  const auto rows = rows_of(content_of(test::source_folder() / "docs/regressions.md"));
  const auto sources = read_sources(test::source_folder());
  EXPECT_GT(rows.size(), 30u);
  for (const auto& [row, files] : sources.marks) {
    EXPECT_TRUE(rows.contains(row))
        << row << " is named in " << *files.begin() << " and does not stand in docs/regressions.md";
  }
  for (const auto& [row, tests] : rows) {
    EXPECT_FALSE(tests.empty()) << row << " has no test";
    for (const auto& test : tests) {
      EXPECT_TRUE(sources.tests.contains(test)) << row << ": there is no test " << test;
    }
  }
}

TEST(Regressions, MarksAndRowsAreFoundWhereTheyStand) {
  EXPECT_EQ(marks_in("TEST(A, B) {  // A1, B13: both\n int A2 = 0;\n"), (Names{"A1", "B13"}));
  EXPECT_EQ(marks_in(R"({"name", "A1 C9", "what A3 does"})"), (Names{"A1", "C9"}));
  EXPECT_EQ(tests_in("\nTEST(A, B) {\nTEST_P(C,\n       D) {\n"), (Names{"A.B", "C.D"}));
  const auto rows = rows_of(
      "| row | saw | why | test |\n|---|---|---|---|\n"
      "| A1 | x | y | `A.B`, `C.D` |\n| B2 | x | y | none |\n");
  EXPECT_EQ(rows, (std::map<std::string, Names>{{"A1", {"A.B", "C.D"}}, {"B2", {}}}));
}

}  // namespace
}  // namespace nodezero::layers
