// SPDX-License-Identifier: BSD-3-Clause

// Every block of C++ and C in the pages compiles: a whole program as it is, a fragment inside the
// file of tests/docs/inside that its marker names, `<!-- inside: host.cpp -->`.

#include <fstream>

#include <gtest/gtest.h>

#include "program/support/program.hpp"
#include "support/page.hpp"

namespace nodezero::test {

namespace {

bool is_source(const Block& block) {
  return block.language == "cpp" || block.language == "c";
}

std::vector<Block> sources() {
  auto blocks = all_blocks();
  std::erase_if(blocks, [](const Block& block) { return !is_source(block); });
  return blocks;
}

class Snippet : public testing::TestWithParam<Block> {};

TEST_P(Snippet, Compiles) {
  const auto& block = GetParam();
  const Folder folder;
  const auto snippet = (folder / ("snippet." + block.language)).string();
  std::ofstream(snippet) << block.text;
  std::string file = snippet;
  std::string around;
  if (block.has_marker("inside", &around)) {
    file = (repository() / "tests/docs/inside" / around).string();
  } else {
    ASSERT_NE(block.text.find("int main("), std::string::npos)
        << block.place() << ": a fragment needs <!-- inside: FILE --> on the line above, see "
        << "tests/docs/inside";
  }
  const auto compiler = block.language == "c" ? NODEZERO_C_SYNTAX : NODEZERO_CXX_SYNTAX;
  const auto compiled = shell(
      folder.path(), std::string(compiler) + " -DSNIPPET='\"" + snippet + "\"' '" + file + "'");
  EXPECT_EQ(compiled.exit_code, 0) << block.place() << " does not compile:\n" << compiled.text;
}

INSTANTIATE_TEST_SUITE_P(Page, Snippet, testing::ValuesIn(sources()),
                         [](const auto& info) { return test_name(info.param); });

TEST(Fragments, AreInPagesThatHaveThem) {
  // Guards against a reader of pages that finds nothing.
  EXPECT_GE(sources().size(), 5U);
}

TEST(Blocks, ThatQuoteAFileAgreeWithIt) {
  int count = 0;
  for (const auto& block : all_blocks()) {
    std::string file;
    if (block.has_marker("same as", &file)) {
      ++count;
      EXPECT_NE(content(file).find(block.text), std::string::npos)
          << block.place() << " differs from " << file;
    }
  }
  EXPECT_GT(count, 0);
}

}  // namespace

}  // namespace nodezero::test
