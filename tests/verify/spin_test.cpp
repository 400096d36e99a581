// SPDX-License-Identifier: BSD-3-Clause

// The bare epoch protocol as a Promela model under Spin, beside the production handlers under
// the explorer: the same verdict and as many states.

#include <array>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <memory>
#include <regex>
#include <string>
#include <unistd.h>
#include <vector>

#include <fmt/format.h>
#include <gtest/gtest.h>

#include "tests/support/source_folder.hpp"
#include "verify/scenarios/session.hpp"
#include "verify/scenarios/trees.hpp"

namespace nodezero::verify {
namespace {

/// What Spin's verifier says of a model.
struct Verdict {
  std::uint64_t states = 0;
  std::uint64_t errors = 0;
  std::string output;
};

std::string run(const std::string& command) {
  std::string text;
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen((command + " 2>&1").c_str(), "r"), pclose);
  std::array<char, 4096> buffer{};
  while (std::fgets(buffer.data(), buffer.size(), pipe.get())) {
    text += buffer.data();
  }
  return text;
}

/// The part of the model that depends on the tree.
std::string tree_definitions(const TreeText& text, int epochs) {
  const auto tree = parse_tree(text, 12);
  std::vector<int> children(tree.size(), 0);
  for (std::size_t id = 1; id < tree.size(); ++id) {
    ++children[tree[id].parent];
  }
  std::string parent_of = "0";
  std::string children_of = "0";
  std::string deliveries;
  for (std::size_t id = 0; id < tree.size(); ++id) {
    children_of = fmt::format("((i) == {} -> {} : {})", id, children[id], children_of);
    if (id > 0) {
      parent_of = fmt::format("((i) == {} -> {} : {})", id, tree[id].parent, parent_of);
      deliveries += fmt::format(
          ":: atomic {{ assignment[{0}] -> handle_assignment({0}) }} "
          ":: atomic {{ report[{0}] -> handle_report({0}) }} ",
          id);
    }
  }
  return fmt::format(
      "#define N {}\n#define EPOCHS {}\n#define parent(i) {}\n#define children(i) {}\n"
      "#define DELIVERIES {}\n",
      tree.size(), epochs, parent_of, children_of, deliveries);
}

class SpinTest : public testing::Test {
 protected:
  void SetUp() override {
    ASSERT_EQ(std::system("command -v spin >/dev/null"), 0)
        << "spin is not installed: scripts/setup.sh installs it, -DNODEZERO_TEST_SPIN=OFF goes "
           "without the second opinion";
    folder_ = std::filesystem::temp_directory_path() / fmt::format("nodezero_spin_{}", getpid());
    std::filesystem::create_directories(folder_);
    std::filesystem::copy_file(test::source_folder() / "tests/verify/epoch.pml",
                               folder_ / "epoch.pml",
                               std::filesystem::copy_options::overwrite_existing);
  }
  void TearDown() override { std::filesystem::remove_all(folder_); }

  Verdict check(const TreeText& tree, int epochs, const std::string& fault = "") {
    std::ofstream(folder_ / "tree.pml") << tree_definitions(tree, epochs);
    Verdict verdict;
    verdict.output =
        run(fmt::format("cd '{}' && spin -a {} epoch.pml && cc -O1 -DSAFETY -DNOREDUCE -o pan "
                        "pan.c && ./pan -m1000000",
                        folder_.string(), fault.empty() ? "" : "-D" + fault));
    std::smatch match;
    if (std::regex_search(verdict.output, match, std::regex("([0-9]+) states, stored"))) {
      verdict.states = std::stoull(match[1]);
    }
    if (std::regex_search(verdict.output, match, std::regex("errors: ([0-9]+)"))) {
      verdict.errors = std::stoull(match[1]);
    }
    return verdict;
  }

  std::filesystem::path folder_;
};

// Beside the states of the protocol Spin stores the model before its first step and after its
// last.
constexpr std::uint64_t states_of_the_model_alone = 3;

TEST_F(SpinTest, FindsAsManyStatesAsTheExplorer) {
  struct Case {
    TreeText tree;
    int epochs;
  };
  for (const auto& [tree, epochs] :
       {Case{"(.)", 1}, Case{"(...)", 2}, Case{"((.))", 3}, Case{"(.(..))", 2},
        Case{"((..)(..))", 1}, Case{"((..)(..))", 2}, Case{"(((.)).)", 2}, Case{"(......)", 1},
        Case{"((...)(...)(...))", 1}}) {
    const auto spin = check(tree, epochs);
    ASSERT_GT(spin.states, 0u) << spin.output;
    EXPECT_EQ(spin.errors, 0u) << spin.output;
    Question question;
    question.scope = Scope::bare;
    question.tree = tree;
    question.epochs = static_cast<std::uint64_t>(epochs);
    question.reduced = false;
    const auto report = Session(question).explore({});
    EXPECT_FALSE(report.counterexample);
    EXPECT_TRUE(report.complete);
    EXPECT_EQ(report.states, spin.states - states_of_the_model_alone) << tree << " " << epochs;
  }
}

TEST_F(SpinTest, NoticesTheFaultsOfItsModel) {
  for (const char* fault :
       {"ANSWER_BEFORE_WORK", "REPORT_BEFORE_CHILDREN", "EMPTY_CHILD_SILENT", "MESSAGES_COUNTED"}) {
    const auto verdict = check("((..)(..))", 2, fault);
    EXPECT_GT(verdict.errors, 0u) << fault << "\n" << verdict.output;
  }
}

}  // namespace
}  // namespace nodezero::verify
