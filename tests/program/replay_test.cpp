// SPDX-License-Identifier: BSD-3-Clause

// `nodezero replay`: a recorded run again.

#include <algorithm>
#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

class ReplayTest : public testing::Test {
 protected:
  void SetUp() override { write_text(folder_, "text.txt"); }

  std::string weights(const char* run) const {
    return read_json(folder_ / run / "run.json").at("results").at("weights_sha256");
  }
  void train(std::vector<std::string> more) {
    more.insert(more.end(), {"--trace", "run.nztrace"});
    const auto ended = run(folder_, tiny_training("out", std::move(more)));
    ASSERT_EQ(ended.exit_code, 0) << ended.err;
  }
  void expect_replayed() {
    const auto ended = run(folder_, {"replay", "run.nztrace"});
    EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
    EXPECT_NE(ended.out.find("all as recorded"), std::string::npos) << ended.out;
    EXPECT_NE(ended.out.find(weights("out") + ", as recorded"), std::string::npos) << ended.out;
  }
  void expect_refused(const std::string& why) {
    const auto ended = run(folder_, {"replay", "run.nztrace"});
    EXPECT_EQ(ended.exit_code, 2) << ended.out;
    EXPECT_NE(ended.err.find(why), std::string::npos) << ended.err;
    EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  }

  Folder folder_;
};

TEST_F(ReplayTest, EndsWithTheSameWeights) {
  train({"--spheres", "4", "--epochs", "2", "--eval-every", "2", "--prompt", "spheres",
         "--sample-tokens", "20", "--checkpoint-every", "2"});
  expect_replayed();
}

TEST_F(ReplayTest, OfASessionThatWentOnStartsFromItsCheckpoint) {
  train({"--steps", "6", "--checkpoint-every", "3"});
  std::filesystem::remove_all(folder_ / "out/checkpoints/step-00000006");
  const auto ended = run(folder_, {"train", "--resume", "--out", "out", "--trace", "run.nztrace"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  expect_replayed();
  std::filesystem::remove_all(folder_ / "out/checkpoints/step-00000003");
  expect_refused("no longer exists");
}

TEST_F(ReplayTest, OfAModelThatWentOnStartsFromIt) {
  train({"--steps", "3"});
  const auto ended = run(folder_, {"train", "--init", "out", "--out", "next", "--data", "text.txt",
                                   "--steps", "3", "--threads", "2", "--trace", "run.nztrace"});
  ASSERT_EQ(ended.exit_code, 0) << ended.err;
  const auto replayed = run(folder_, {"replay", "run.nztrace"});
  EXPECT_EQ(replayed.exit_code, 0) << replayed.out << replayed.err;
  EXPECT_NE(replayed.out.find(weights("next")), std::string::npos) << replayed.out;
}

TEST_F(ReplayTest, RefusesTextThatHasChanged) {
  train({});
  std::ofstream(folder_ / "text.txt", std::ios::app) << "one more line\n";
  expect_refused("the data has changed since the recording");
}

TEST_F(ReplayTest, RefusesTheLastSecondsOfARun) {
  Program program(folder_, tiny_training("out", {"--steps", "1000000", "--eval-every", "5"}));
  ASSERT_TRUE(program.wait_for("validation after step"));
  program.send(SIGUSR1);
  ASSERT_TRUE(program.wait_for("written to out/trace-asked-1.nztrace"));
  program.send(SIGKILL);
  program.wait();
  std::filesystem::rename(folder_ / "out/trace-asked-1.nztrace", folder_ / "run.nztrace");
  expect_refused("only the last seconds");
}

TEST_F(ReplayTest, StopsAtAnEventAndShowsTheActors) {
  train({});
  const auto ended = run(folder_, {"replay", "run.nztrace", "--until", "300"});
  EXPECT_EQ(ended.exit_code, 0) << ended.out << ended.err;
  EXPECT_TRUE(ended.out.starts_with("      300  ")) << ended.out;
  EXPECT_NE(ended.out.find("node_zero"), std::string::npos) << ended.out;
  EXPECT_EQ(run(folder_, {"replay", "run.nztrace", "--until", "0"}).exit_code, 2);
}

TEST_F(ReplayTest, OfAStoppedRunStopsAtTheSameStep) {
  Program program(folder_, tiny_training("out", {"--steps", "1000000", "--eval-every", "5",
                                                 "--trace", "run.nztrace"}));
  ASSERT_TRUE(program.wait_for("validation after step"));
  program.send(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 128 + SIGINT);
  expect_replayed();
}

}  // namespace
}  // namespace nodezero::test
