// SPDX-License-Identifier: BSD-3-Clause
#include "tests/layers/layer_rules.hpp"

#include <cstdlib>
#include <fstream>

#include <gtest/gtest.h>

#include "tests/support/source_folder.hpp"

namespace nodezero::layers {
namespace {

namespace fs = std::filesystem;

std::string reasons(const std::vector<Violation>& violations) {
  std::string all;
  for (const auto& violation : violations) {
    all += to_string(violation) + "\n";
  }
  return all;
}

std::size_t count(const fs::path& file, std::string_view text) {
  return violations_in(file, text).size();
}

/// A folder that goes with the test.
class Tree {
 public:
  Tree() {
    std::string pattern = (fs::temp_directory_path() / "layers-XXXXXX").string();
    root_ = mkdtemp(pattern.data());
  }
  ~Tree() { fs::remove_all(root_); }
  const fs::path& root() const { return root_; }
  void plant(const fs::path& file, std::string_view text) const {
    fs::create_directories((root_ / file).parent_path());
    std::ofstream(root_ / file) << text;
  }

 private:
  fs::path root_;
};

TEST(Layers, NothingPointsUpwardsInThisTree) {
  EXPECT_EQ(reasons(violations_in_tree(test::source_folder())), "");
}

TEST(Layers, AreAllInThisTree) {
  for (const char* file : {"include/nodezero/error.hpp", "runtime/caf.hpp", "actors/settings.hpp",
                           "apps/nodezero/common.hpp"}) {
    EXPECT_TRUE(fs::exists(test::source_folder() / file)) << file;
  }
}

TEST(Layers, AnIncludeUpwardsIsFoundInAnyFolderAndNamed) {
  const Tree tree;
  tree.plant("model/kernels/deep/kernel.cpp",
             "#include <vector>\n#include \"actors/errors.hpp\"\n");
  tree.plant("runtime/clock.hpp", "#include \"runtime/caf.hpp\"\n");
  tree.plant("actors/sphere.cpp", "#include \"apps/nodezero/common.hpp\"\n");
  tree.plant("model/notes.txt", "#include \"actors/errors.hpp\"\n");
  tree.plant("examples/host/host.cpp", "#include \"host.hpp\"\n#include <caf/all.hpp>\n");
  EXPECT_EQ(
      reasons(violations_in_tree(tree.root())),
      "model/kernels/deep/kernel.cpp:2: includes actors/errors.hpp: model/kernels may not use "
      "actors\n"
      "actors/sphere.cpp:1: includes apps/nodezero/common.hpp: actors may not use "
      "apps/nodezero\n");
}

TEST(Layers, TheExplorerKnowsNoTraining) {
  EXPECT_EQ(rooms_below("verify/explore"),
            (std::set<std::string>{"formats", "include/nodezero/error.hpp",
                                   "include/nodezero/export.h", "runtime", "runtime/trace"}));
  auto library = rooms_below("verify/explore");
  library.insert({"include/nodezero/explore", "verify/explore"});
  EXPECT_EQ(rooms_below("verify/library"), library);
}

TEST(Layers, ANewArrowBetweenRoomsIsFound) {
  EXPECT_EQ(count("model/kernels/a.cpp", "#include \"model/files/atomic_file.hpp\""), 1u);
  EXPECT_EQ(count("model/text/a.cpp", "#include \"model/kernels/attention.hpp\""), 1u);
  EXPECT_EQ(count("actors/spheres/a.cpp", "#include \"actors/run/node_zero.hpp\""), 1u);
  EXPECT_EQ(count("verify/explore/a.cpp", "#include \"actors/messages.hpp\""), 1u);
  EXPECT_EQ(count("actors/run/a.cpp", "#include \"verify/explore/run.hpp\""), 1u);
  EXPECT_EQ(count("model/storage/a.cpp", "#include \"model/files/atomic_file.hpp\""), 0u);
  const Tree tree;
  tree.plant("model/text/reader.cpp", "#include \"model/storage/checkpoint.hpp\"\n");
  EXPECT_EQ(reasons(violations_in_tree(tree.root())),
            "model/text/reader.cpp:1: includes model/storage/checkpoint.hpp: model/text may not "
            "use model/storage\n");
}

TEST(Layers, NoFolderIsSoFullThatNothingIsFoundInIt) {
  EXPECT_EQ(full_folders(test::source_folder(), 60), std::vector<std::string>());
  EXPECT_NE(full_folders(test::source_folder(), 10), std::vector<std::string>());
}

TEST(Layers, ModelIncludesNothingAboveIt) {
  for (const char* upper : {"runtime", "actors", "apps", "bench", "tests", "caf"}) {
    EXPECT_EQ(count("model/a.cpp", std::string("#include \"") + upper + "/x.hpp\""), 1u) << upper;
    EXPECT_EQ(count("model/a.cpp", std::string(" #  include <") + upper + "/x.hpp>"), 1u) << upper;
  }
  EXPECT_EQ(count("model/a.cpp", "#include \"nodezero/error.hpp\"\n#include <Eigen/Core>"), 0u);
}

TEST(Layers, RuntimeKnowsNoModel) {
  EXPECT_EQ(count("runtime/a.cpp", "#include \"model/files/atomic_file.hpp\""), 1u);
  EXPECT_EQ(count("runtime/a.cpp", "#include \"actors/errors.hpp\""), 1u);
}

TEST(Layers, PublicHeadersIncludeButEachOther) {
  EXPECT_EQ(count("include/nodezero/a.hpp", "#include \"nodezero/b.hpp\""), 0u);
  EXPECT_EQ(count("include/nodezero/a.hpp", "#include \"model/b.hpp\""), 1u);
  EXPECT_EQ(count("model/training/a.cpp", "#include \"nodezero/b.hpp\""), 0u);
  EXPECT_EQ(count("model/kernels/a.cpp", "#include \"nodezero/b.hpp\""), 1u);
  EXPECT_EQ(count("runtime/a.cpp", "#include \"nodezero/b.hpp\""), 1u);
  EXPECT_EQ(count("runtime/a.cpp", "#include \"nodezero/error.hpp\""), 0u);
}

TEST(Layers, AppsAndBenchMayUseWhatIsBelow) {
  EXPECT_EQ(count("apps/nodezero/train/a.cpp",
                  "#include \"actors/a.hpp\"\n#include \"model/gpt2/a.hpp\"\n"
                  "#include \"runtime/trace/a.hpp\"\n#include <CLI/CLI.hpp>"),
            0u);
  EXPECT_EQ(count("bench/a.cpp", "#include \"apps/nodezero/bench/a.hpp\""), 0u);
  EXPECT_EQ(count("apps/nodezero/bench/a.cpp", "#include \"bench/a.hpp\""), 1u);
}

TEST(Layers, EveryFileStandsInARoom) {
  EXPECT_EQ(count("apps/a.cpp", "int n = 0;"), 1u);
  EXPECT_EQ(count("bench/a.cpp", "#include \"apps/a.hpp\""), 1u);
}

TEST(Layers, OnlyOneHeaderIncludesCaf) {
  EXPECT_EQ(count("runtime/caf.hpp", "#include <caf/all.hpp>"), 0u);
  for (const char* file :
       {"runtime/caf.cpp", "actors/a.hpp", "apps/nodezero/a.cpp", "bench/a.cpp"}) {
    EXPECT_EQ(count(file, "#include <caf/all.hpp>"), 1u) << file;
  }
}

TEST(Layers, IncludesCannotHideTheirLayer) {
  EXPECT_EQ(count("model/a.cpp", "#include \"../actors/errors.hpp\""), 1u);
  EXPECT_EQ(count("model/a.cpp", "#include \"error.hpp\""), 1u);
  EXPECT_EQ(count("model/a.cpp", "#include HEADER"), 1u);
}

TEST(Layers, ModelStartsNoThread) {
  EXPECT_EQ(count("model/a.cpp", "void f() { std::thread t([] {}); }"), 1u);
  EXPECT_EQ(count("model/a.cpp", "std::jthread t;"), 1u);
  EXPECT_EQ(count("model/a.cpp", "auto f = std::async([] {});"), 1u);
  EXPECT_EQ(count("model/a.cpp", "pthread_create(&t, nullptr, f, nullptr);"), 1u);
  EXPECT_EQ(count("model/a.cpp", "#pragma omp parallel for"), 1u);
  EXPECT_EQ(count("model/a.cpp", "#include <thread>"), 1u);
  EXPECT_EQ(count("apps/nodezero/a.cpp", "#include <thread>\nstd::thread t;"), 0u);
}

TEST(Layers, OnlyAppsNameOptions) {
  for (const char* file : {"model/text/a.cpp", "runtime/a.cpp", "actors/run/a.cpp",
                           "verify/scenarios/a.cpp", "include/nodezero/a.hpp"}) {
    EXPECT_EQ(count(file, "auto s = \"a lower --learning-rate\";"), 1u) << file;
    EXPECT_EQ(count(file, "auto s = R\"(--data)\"; // --x\n int n = 1; --n; auto t = \"a -- b\";"),
              1u)
        << file;
    EXPECT_EQ(count(file, "/* --data */ for (;; --n) { f(\"-->\", '-', \"---x\"); }"), 0u) << file;
  }
  EXPECT_EQ(violations_in("model/text/a.cpp", "\nauto s = \"use --batch 3\";").at(0),
            (Violation{"model/text/a.cpp", 2, "--batch: only apps know options"}));
  EXPECT_EQ(count("apps/nodezero/train/a.cpp", "auto s = \"--data is missing\";"), 0u);
}

TEST(Layers, CommentsAndStringsDoNotCount) {
  EXPECT_EQ(count("model/a.cpp",
                  "// std::thread\n/* #include \"actors/a.hpp\"\n std::async */\n"
                  "auto s = \"std::thread \\\" std::async\"; int n = 65'536;\n"
                  "auto r = R\"x(std::thread \" )\" std::async)x\";\n"),
            0u);
  EXPECT_EQ(violations_in("model/a.cpp", "/* two\nlines */ char q = '\"';\nstd::thread t;").at(0),
            (Violation{"model/a.cpp", 3, "std::thread: model starts no thread"}));
  EXPECT_EQ(count("model/a.cpp", "int n = 65'536; std::thread t;"), 1u);
  EXPECT_EQ(count("model/a.cpp", "#include \"actors/a.hpp\"  // because"), 1u);
}

}  // namespace
}  // namespace nodezero::layers
