// SPDX-License-Identifier: BSD-3-Clause

// Runs that end before their time, and what it takes to go on with them.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

const std::vector<std::string> long_run{"--steps", "2000", "--checkpoint-every", "50"};

/// The digests of the run that nobody disturbs.
std::string undisturbed(const Folder& folder) {
  EXPECT_EQ(run(folder, tiny_training("whole", long_run)).exit_code, 0);
  return digests(folder / "whole");
}

void expect_each_step_once(const std::filesystem::path& run, std::size_t steps) {
  const auto lines = read_json_lines(run / "metrics.jsonl");
  ASSERT_EQ(lines.size(), steps);
  for (std::size_t i = 0; i < steps; ++i) {
    EXPECT_EQ(lines[i].at("step"), i + 1);
  }
}

TEST(Resume, AfterCtrlCEndsInTheSameBits) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, tiny_training("cut", long_run));
  ASSERT_TRUE(program.wait_for("step 1/"));
  program.send(SIGINT);
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 130);
  EXPECT_EQ(ended.err, "");
  EXPECT_NE(ended.out.find("nodezero train --resume --out cut"), std::string::npos) << ended.out;
  EXPECT_EQ(read_json(folder / "cut/run.json").at("results").at("end"), "stopped");

  // Options come from run.json; the number of spheres may change.
  const auto resumed = run(folder, {"train", "--resume", "--out", "cut", "--spheres", "13",
                                    "--threads", "1", "--routing", "round-robin"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(digests(folder / "cut"), undisturbed(folder));
  expect_each_step_once(folder / "cut", 2'000);
}

TEST(Resume, AfterTerminationExitsWith143) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, tiny_training("cut", {"--steps", "100000"}));
  ASSERT_TRUE(program.wait_for("step 1/"));
  program.send(SIGTERM);
  EXPECT_EQ(program.wait().exit_code, 143);
}

TEST(Resume, AfterABatchSystemsSignalHasACheckpoint) {
  for (const int signal : {SIGUSR2, SIGXCPU, SIGHUP}) {
    const Folder folder;
    write_text(folder, "text.txt");
    Program program(folder, tiny_training("cut", {"--steps", "100000"}));
    ASSERT_TRUE(program.wait_for("step 1/"));
    program.send(signal);
    const auto ended = program.wait();
    EXPECT_EQ(ended.exit_code, 128 + signal);
    EXPECT_NE(ended.out.find("nodezero train --resume --out cut"), std::string::npos) << ended.out;
    EXPECT_EQ(read_json(folder / "cut/run.json").at("results").at("end"), "stopped");
  }
}

TEST(Signals, StayIgnoredIfTheProgramWasStartedSo) {
  const Folder folder;
  write_text(folder, "text.txt");
  // As a shell without job control does for what it runs in the background.
  const auto before = std::signal(SIGINT, SIG_IGN);
  Program program(folder, tiny_training("run", long_run));
  std::signal(SIGINT, before);
  ASSERT_TRUE(program.wait_for("step 1/"));
  program.send(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 0);
  EXPECT_EQ(read_json(folder / "run/run.json").at("results").at("end"), "finished");
}

TEST(Resume, AfterASecondCtrlCHasLostNoCheckpoint) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, tiny_training("cut", long_run));
  ASSERT_TRUE(program.wait_for("saved: cut/checkpoints"));
  program.send(SIGINT);
  ASSERT_TRUE(program.wait_for("stopping when"));
  program.send(SIGINT);
  EXPECT_EQ(program.wait().exit_code, 130);
  const auto resumed = run(folder, {"train", "--resume", "--out", "cut"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(resumed.out.find("starting at step 0"), std::string::npos) << resumed.out;
  EXPECT_EQ(digests(folder / "cut"), undisturbed(folder));
}

TEST(Resume, AfterAKillEndsInTheSameBits) {
  const Folder folder;
  write_text(folder, "text.txt");
  {
    Program program(folder, tiny_training("cut", long_run));
    ASSERT_TRUE(program.wait_for("saved: cut/checkpoints"));
    program.send(SIGKILL);
    EXPECT_EQ(program.wait().exit_code, -1);
  }
  const auto resumed = run(folder, {"train", "--resume", "--out", "cut", "--spheres", "1"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_EQ(digests(folder / "cut"), undisturbed(folder));
  expect_each_step_once(folder / "cut", 2'000);
}

TEST(Resume, SaysWhichLinesOfTheMetricsAreLost) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "30"})).exit_code, 0);
  const auto lines = read_json_lines(folder / "run/metrics.jsonl");
  {
    std::ofstream file(folder / "run/metrics.jsonl");
    for (std::size_t i = 0; i < 20; ++i) {
      file << lines[i].dump() << '\n';
    }
  }
  const auto resumed = run(folder, {"train", "--resume", "--out", "run", "--steps", "40"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("lacks the lines of steps 21 to 30"), std::string::npos)
      << resumed.out;
}

TEST(Resume, CountsStepsFromOneInMetricsOfAnEarlierVersion) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "30"})).exit_code, 0);
  {
    std::ifstream file(folder / "run/metrics.jsonl");
    std::string old;
    std::uint64_t step = 0;
    for (std::string line; std::getline(file, line); ++step) {
      old += "{\"step\":" + std::to_string(step) + line.substr(line.find(',')) + "\n";
    }
    std::ofstream(folder / "run/metrics.jsonl") << old;
  }
  ASSERT_EQ(run(folder, {"train", "--resume", "--out", "run", "--steps", "40"}).exit_code, 0);
  expect_each_step_once(folder / "run", 40);
}

TEST(Resume, ALostFolderEndsTheRunWithALine) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, tiny_training("run", long_run));
  ASSERT_TRUE(program.wait_for("saved: run/checkpoints"));
  std::filesystem::rename(folder / "run", folder / "moved");
  const auto ended = program.wait();
  EXPECT_EQ(ended.exit_code, 1) << ended.out;
  EXPECT_NE(ended.err.find("has removed or moved the run's folder 'run'; the weights of step"),
            std::string::npos)
      << ended.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "run/checkpoints"));
}

TEST(Resume, PassesOverADamagedCheckpointAndSaysSo) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("cut", long_run)).exit_code, 0);
  std::filesystem::path newest;
  for (const auto& entry : std::filesystem::directory_iterator(folder / "cut/checkpoints")) {
    newest = std::max(newest, entry.path());
  }
  std::ofstream(newest / "optimizer.safetensors", std::ios::in | std::ios::out) << "damage";
  const auto resumed = run(folder, {"train", "--resume", "--out", "cut"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find(newest.filename().string()), std::string::npos) << resumed.out;
  EXPECT_EQ(digests(folder / "cut"), undisturbed(folder));
  expect_each_step_once(folder / "cut", 2'000);
}

TEST(Resume, WithoutACheckpointStartsAtStep0AndSaysSo) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("out", {"--steps", "2", "--resume"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("starting at step 0"), std::string::npos) << ended.out;
}

TEST(Resume, OfAFinishedRunTrainsNothing) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "3"})).exit_code, 0);
  const auto before = digests(folder / "out");
  const auto ended = run(folder, {"train", "--resume", "--out", "out"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("finished"), std::string::npos) << ended.out;
  EXPECT_EQ(digests(folder / "out"), before);
  expect_each_step_once(folder / "out", 3);
}

TEST(Resume, WorksFromAnotherFolderAndAfterTheDataHasMoved) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "3"})).exit_code, 0);
  std::filesystem::rename(folder / "text.txt", folder / "moved.txt");
  const auto lost = run(folder, {"train", "--resume", "--out", "out"});
  EXPECT_EQ(lost.exit_code, 2);
  EXPECT_NE(lost.err.find("text.txt"), std::string::npos) << lost.err;
  const auto found = run(folder, {"train", "--resume", "--out", "out", "--data", "moved.txt"});
  EXPECT_EQ(found.exit_code, 0) << found.err;
}

TEST(Resume, OfARunInsideItsDataFindsTheSameData) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--data", ".", "--steps", "2"})).exit_code, 0);
  // So that there is something to do.
  std::filesystem::remove_all(folder / "out/checkpoints");
  const auto resumed = run(folder, {"train", "--resume", "--out", "out"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  EXPECT_NE(resumed.out.find("left out of the data: "), std::string::npos) << resumed.out;
}

TEST(Resume, IsNeededForAFolderThatHoldsARun) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "1"})).exit_code, 0);
  const auto again = run(folder, tiny_training("out", {"--steps", "1"}));
  EXPECT_EQ(again.exit_code, 2);
  EXPECT_NE(again.err.find("--resume"), std::string::npos) << again.err;
}

TEST(Resume, NeverOverwritesAModelThatIsNoRun) {
  const Folder folder;
  write_text(folder, "text.txt");
  std::filesystem::create_directory(folder / "model");
  std::ofstream(folder / "model/model.safetensors") << "precious";
  const auto ended = run(folder, tiny_training("model", {"--steps", "1"}));
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_NE(ended.err.find("overwrite"), std::string::npos) << ended.err;
}

struct Change {
  std::string name;
  std::vector<std::string> more;
};

class RefusedChange : public testing::TestWithParam<Change> {};

TEST_P(RefusedChange, IsNamedAndTheRunStaysAsItIs) {
  const Folder folder;
  write_text(folder, "text.txt");
  write_text(folder, "other.txt", 4'001);
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "3"})).exit_code, 0);
  const auto record = read_json(folder / "out/run.json");
  std::vector<std::string> arguments{"train", "--resume", "--out", "out"};
  arguments.insert(arguments.end(), GetParam().more.begin(), GetParam().more.end());
  const auto ended = run(folder, arguments);
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_NE(ended.err.find(GetParam().more.front()), std::string::npos) << ended.err;
  EXPECT_EQ(read_json(folder / "out/run.json"), record);
}

INSTANTIATE_TEST_SUITE_P(All, RefusedChange,
                         testing::Values(Change{"Width", {"--width", "16"}},
                                         Change{"Seed", {"--seed", "7"}},
                                         Change{"MicroBatches", {"--micro-batches", "2"}},
                                         Change{"Dropout", {"--dropout", "0.1"}},
                                         Change{"Rate", {"--learning-rate", "0.5"}},
                                         Change{"Tokenizer", {"--tokenizer", "chars"}},
                                         Change{"Validation", {"--validation", "0.2"}},
                                         Change{"Preset", {"--preset", "demo"}},
                                         Change{"Data", {"--data", "other.txt"}}),
                         [](const auto& info) { return info.param.name; });

TEST(Resume, IsRefusedWhileAnotherProcessTrains) {
  const Folder folder;
  write_text(folder, "text.txt");
  Program program(folder, tiny_training("out", {"--steps", "1000000"}));
  ASSERT_TRUE(program.wait_for("step 1/"));
  const auto second = run(folder, {"train", "--resume", "--out", "out"});
  EXPECT_EQ(second.exit_code, 2);
  EXPECT_NE(second.err.find("another process"), std::string::npos) << second.err;
}

}  // namespace
}  // namespace nodezero::test
