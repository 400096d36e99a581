// SPDX-License-Identifier: BSD-3-Clause

// How mutants are put into a source.

#include "verify/mutants/mutated_source.hpp"

#include <set>

#include <gtest/gtest.h>

namespace nodezero::mutants {
namespace {

constexpr std::string_view source =
    "int f(int x) {\n"
    "  if (x > 0 &&\n"
    "      x < 9) {\n"
    "    return 1;\n"
    "  }\n"
    "  return 2;\n"
    "}\n";

NumberedEdit edit(std::size_t number, const std::string& text, const std::string& replacement) {
  return {number, "mutant", {"file.cpp", text, replacement}};
}

TEST(MutatedSource, HasABranchForAnExpressionAndForAStatement) {
  EXPECT_EQ(mutated_source(source, {edit(3, "x > 0", "true"), edit(4, "return 2;", "return 3;")}),
            "int f(int x) {\n"
            "  if ((::nodezero::mutants::on(3) ? (true) : (x > 0)) &&\n"
            "      x < 9) {\n"
            "    return 1;\n"
            "  }\n"
            "  if (::nodezero::mutants::on(4)) { return 3; } else { return 2; }\n"
            "}\n");
}

TEST(MutatedSource, FindsATextHoweverItIsWrapped) {
  EXPECT_EQ(mutated_source(source, {edit(3, "x > 0 && x < 9", "x\n== 1")}),
            "int f(int x) {\n"
            "  if ((::nodezero::mutants::on(3) ? (x == 1) : (x > 0 &&\n"
            "      x < 9))) {\n"
            "    return 1;\n"
            "  }\n"
            "  return 2;\n"
            "}\n");
}

TEST(MutatedSource, HoldsMutantsOfTheSameTextAndOfAPartOfIt) {
  EXPECT_EQ(
      mutated_source("{ if (a) { b; } c; }", {edit(1, "a", "x"), edit(2, "if (a) { b; }", ""),
                                              edit(3, "c;", "y;"), edit(4, "if (a) { b; }", "z;")}),
      "{ if (::nodezero::mutants::on(2)) {  } else if (::nodezero::mutants::on(4)) { z; } "
      "else { if ((::nodezero::mutants::on(1) ? (x) : (a))) { b; } } "
      "if (::nodezero::mutants::on(3)) { y; } else { c; } }");
}

TEST(MutatedSource, LetsAReplacementAskForItself) {
  EXPECT_EQ(mutated_source("int a = 1; b();", {edit(5, "int a =\n1;", "int a = $on ? 2 : 1;")}),
            "int a = ::nodezero::mutants::on(5) ? 2 : 1; b();");
}

TEST(MutatedSource, RefusesATextThatIsNotThereExactlyOnce) {
  EXPECT_EQ(mutated_source(source, {edit(1, "x > 1", "true")}).error(),
            "file.cpp: the text of mutant mutant is there 0 times, not once: x > 1");
  EXPECT_EQ(mutated_source(source, {edit(1, "return", "")}).error(),
            "file.cpp: the text of mutant mutant is there 2 times, not once: return");
  EXPECT_FALSE(mutated_source(source, {edit(1, "", "true")}));
}

TEST(MutatedSource, RefusesMutantsThatCrossEachOther) {
  EXPECT_EQ(mutated_source("a + b + c", {edit(1, "a + b", "d"), edit(2, "b + c", "d")}).error(),
            "file.cpp: mutants mutant and mutant cross each other");
  // What is dropped has no place for another's branch.
  EXPECT_FALSE(mutated_source("a + b", {edit(1, "a + b", "$on"), edit(2, "b", "d")}));
}

TEST(Mutants, HaveNamesOfTheirOwnAndNameOthersThatThereAre) {
  std::set<std::string_view> names;
  for (const auto& mutant : all()) {
    EXPECT_TRUE(names.insert(mutant.name).second) << mutant.name;
  }
  for (const auto& mutant : all()) {
    EXPECT_FALSE(mutant.edits.empty() && mutant.with.empty()) << mutant.name;
    for (const auto& other : mutant.with) {
      EXPECT_TRUE(names.contains(other)) << mutant.name << " names " << other;
    }
  }
  EXPECT_GE(names.size(), 70u);
}

}  // namespace
}  // namespace nodezero::mutants
