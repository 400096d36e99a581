// SPDX-License-Identifier: BSD-3-Clause

// What a whole run prints and leaves in its folder.

#include <cmath>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

TEST(Train, LeavesAWholeRunFolder) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("out", {"--epochs", "2", "--prompt", "the "}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.err, "");
  for (const char* name : {"run.json", "config.json", "model.safetensors", "tokenizer.json",
                           "metrics.jsonl", "evaluations.jsonl", "checkpoints"}) {
    EXPECT_TRUE(std::filesystem::exists(folder / "out" / name)) << name;
  }
  const auto record = read_json(folder / "out/run.json");
  EXPECT_EQ(record.at("options").at("width"), 8);
  EXPECT_EQ(record.at("data").at("files").at(0).at("bytes"), 4'000);
  EXPECT_EQ(record.at("data").at("training").at("tokens"), 3'600);
  EXPECT_EQ(record.at("data").at("validation").at("tokens"), 400);
  EXPECT_EQ(record.at("model").at("vocabulary"), 256);
  for (const char* name : {"nodezero", "arithmetic", "caf", "compiler"}) {
    EXPECT_FALSE(record.at("versions").at(name).get<std::string>().empty()) << name;
  }
  EXPECT_FALSE(record.at("processor").at("name").get<std::string>().empty());
  EXPECT_EQ(record.at("results").at("end"), "finished");
  EXPECT_EQ(record.at("results").at("weights_sha256").get<std::string>().size(), 64);
  EXPECT_EQ(record.at("sessions").size(), 1);
}

TEST(Train, PrintsSamplesDigestsAndTheNextCommand) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended =
      run(folder, tiny_training("out", {"--epochs", "2", "--prompt", "the ", "--prompt", "and"}));
  EXPECT_NE(ended.out.find("sample 1 of 2 after epoch 1"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("sample 2 of 2 after epoch 2"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("nodezero generate --model out"), std::string::npos) << ended.out;
  const auto digest =
      read_json(folder / "out/run.json").at("results").at("weights_sha256").get<std::string>();
  EXPECT_NE(ended.out.find(digest), std::string::npos) << ended.out;
  const auto printed = run(folder, {"digest", "out"});
  EXPECT_NE(printed.out.find(digest), std::string::npos) << printed.out;
}

TEST(Train, WritesOneMetricsObjectAStep) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "12"})).exit_code, 0);
  const auto lines = read_json_lines(folder / "out/metrics.jsonl");
  ASSERT_EQ(lines.size(), 12);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    const auto& line = lines[i];
    EXPECT_EQ(line.at("step"), i + 1);
    EXPECT_EQ(line.at("epoch"), 0);
    EXPECT_EQ(line.at("version"), i + 1);
    EXPECT_EQ(line.at("micro_batches"), 3);
    EXPECT_GT(line.at("loss"), 0);
    EXPECT_GT(line.at("gradient_norm"), 0);
    EXPECT_GT(line.at("learning_rate"), 0);
    EXPECT_GT(line.at("tokens"), 0);
    EXPECT_GE(line.at("spheres_busy"), 1);
    EXPECT_TRUE(line.at("seconds").is_number());
    EXPECT_TRUE(line.at("tokens_per_second").is_number());
  }
  EXPECT_NEAR(lines[0].at("loss"), std::log(256.0), 0.2);
}

TEST(Train, PlanSaysFiguresAndTrainsNothing) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("out", {"--steps", "7", "--plan"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  for (const char* word : {"parameters", "memory", "steps", "tokens", "estimate"}) {
    EXPECT_NE(ended.out.find(word), std::string::npos) << word << " in " << ended.out;
  }
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

TEST(Train, TakesOptionsFromAFileAndTheCommandLineIsStronger) {
  const Folder folder;
  write_text(folder, "text.txt");
  std::ofstream(folder / "run.toml") << "seed = 5\nsteps = 4\ndropout = 0.1\nprompt = [\"the\"]\n";
  const auto ended = run(folder, tiny_training("out", {"--config", "run.toml", "--steps", "2"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  const auto options = read_json(folder / "out/run.json").at("options");
  EXPECT_EQ(options.at("seed"), 5);
  EXPECT_EQ(options.at("steps"), 2);
  EXPECT_EQ(options.at("dropout"), 0.1);
  EXPECT_EQ(options.at("prompt"), nlohmann::json::array({"the"}));
}

TEST(Train, StartsFromAModelFolderWithItsSizesAndTokenizer) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "3", "--tokenizer", "chars"})).exit_code,
            0);
  const auto ended = run(folder, {"train", "--data", "text.txt", "--tokenizer", "chars", "--init",
                                  "first", "--out", "second", "--steps", "2"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(read_json(folder / "second/run.json").at("model").at("width"), 8);
  const auto refused = run(folder, {"train", "--data", "text.txt", "--tokenizer", "chars", "--init",
                                    "first", "--out", "third", "--width", "16"});
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("--width"), std::string::npos) << refused.err;
}

TEST(Train, ReadsTokenFiles) {
  const Folder folder;
  std::string ids;
  for (int i = 0; i < 2'000; ++i) {
    ids += static_cast<char>(i % 50);
    ids += '\0';
  }
  std::ofstream(folder / "train.bin", std::ios::binary) << ids;
  const auto ended = run(
      folder, tiny_training("out", {"--data", "train.bin", "--vocabulary", "50", "--steps", "2"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(read_json(folder / "out/run.json").at("model").at("vocabulary"), 50);
}

#ifndef NODEZERO_SANITIZED  // sanitizers reserve more memory than the limit of this test
TEST(Train, ReadsAGigabyteWithoutLoadingIt) {
  const Folder folder;
  write_text(folder, "text.txt");
  std::filesystem::resize_file(folder / "text.txt", 1'000'000'000);  // a hole, then nothing on disk
  const auto ended =
      run(folder, tiny_training("out", {"--steps", "3", "--tokenizer", "bytes", "--binary"}),
          {.memory = 300'000'000});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(read_json_lines(folder / "out/metrics.jsonl").size(), 3u);
}
#endif

TEST(Train, HelpAndVersionAreForEverybody) {
  const Folder folder;
  EXPECT_TRUE(run(folder, {"--version"}).out.starts_with("nodezero "));
  for (const char* command : {"train", "generate", "eval", "topology", "digest"}) {
    const auto ended = run(folder, {command, "--help"});
    EXPECT_EQ(ended.exit_code, 0) << command;
    EXPECT_NE(ended.out.find("--help"), std::string::npos) << command;
  }
}

}  // namespace
}  // namespace nodezero::test
