// SPDX-License-Identifier: BSD-3-Clause

// Mistakes that people make. Each gets one line on standard error, an exit code that tells
// whether the run had begun, and leaves nothing behind.

#include <algorithm>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

struct BadInput {
  std::string name;
  std::vector<std::string> more;
  std::string says;  ///< a part of the line
};

void expect_one_line(const Ended& ended, const std::string& says) {
  EXPECT_TRUE(ended.err.starts_with("nodezero: error: ")) << ended.err;
  EXPECT_EQ(std::count(ended.err.begin(), ended.err.end(), '\n'), 1) << ended.err;
  EXPECT_NE(ended.err.find(says), std::string::npos) << ended.err;
}

class BadTrainOption : public testing::TestWithParam<BadInput> {};

TEST_P(BadTrainOption, GetsOneLineAndExitCode2) {
  const Folder folder;
  write_text(folder, "text.txt");
  write_text(folder, "short.txt", 5);
  write_text(folder, "odd.bin", 1'001);
  std::ofstream(folder / "empty.txt").close();
  std::filesystem::create_directory(folder / "hollow");
  std::ofstream(folder / "bad.toml") << "bread = 3\n";
  const auto ended = run(folder, tiny_training("out", GetParam().more));
  EXPECT_EQ(ended.exit_code, 2);
  EXPECT_EQ(ended.out, "");
  expect_one_line(ended, GetParam().says);
  EXPECT_FALSE(std::filesystem::exists(folder / "out"));
}

INSTANTIATE_TEST_SUITE_P(
    All, BadTrainOption,
    testing::Values(
        BadInput{"MissingFile", {"--data", "nothing.txt"}, "nothing.txt"},
        BadInput{"EmptyFile", {"--data", "empty.txt"}, "empty.txt"},
        BadInput{"FolderWithoutText", {"--data", "hollow"}, "hollow"},
        BadInput{"TextAndTokenFilesInOneFolder", {"--data", "."}, "cannot be mixed"},
        BadInput{"HalfATokenId", {"--data", "odd.bin"}, "odd.bin"},
        BadInput{"HeadsThatDoNotDivide", {"--heads", "3"}, "--heads must divide --width"},
        BadInput{
            "TooLargeBatch", {"--batch", "999999", "--context", "9999"}, "--batch must be from"},
        BadInput{"NoMicroBatch", {"--micro-batches", "0"}, "--micro-batches must be"},
        BadInput{"ZeroWidth", {"--width", "0"}, "--width"},
        BadInput{"NegativeLayers", {"--layers", "-2"}, "--layers"},
        BadInput{"NegativeSeed", {"--seed=-1"}, "--seed"},
        BadInput{"NoSpheres", {"--spheres", "0"}, "--spheres"},
        BadInput{"SymmetryOfOne", {"--symmetry", "1"}, "--symmetry"},
        BadInput{"WordForANumber", {"--steps", "many"}, "'many'"},
        BadInput{"NumberWithATail", {"--steps", "10k"}, "'10k'"},
        BadInput{"RateThatIsNoNumber", {"--learning-rate", "nan"}, "--learning-rate"},
        BadInput{"CertainDropout", {"--dropout", "1"}, "dropout"},
        BadInput{"UnknownOption", {"--bread", "3"}, "--bread"},
        BadInput{"StrayWord", {"--steps", "3", "bread"}, "bread"},
        BadInput{"MissingValue", {"--seed"}, "--seed"},
        BadInput{"UnknownPreset", {"--preset", "bread"}, "shakespeare-cpu"},
        BadInput{"UnknownTokenizer", {"--tokenizer", "words"}, "bytes, chars, bpe, or a file"},
        BadInput{"UnknownRouting", {"--routing", "random"}, "round-robin"},
        BadInput{"EpochsAndSteps", {"--epochs", "2", "--steps", "3"}, "--epochs or --steps"},
        BadInput{"TwoValues", {"--seed", "1", "--seed", "2"}, "--seed"},
        BadInput{"ValidationOfEverything", {"--validation", "1"}, "--validation"},
        BadInput{"MissingValidationFile", {"--validation", "nothing.txt"}, "nothing.txt"},
        BadInput{"ModelFolderWithoutFiles", {"--init", "hollow"}, "hollow"},
        BadInput{"CharacterOfThePrompt", {"--tokenizer", "chars", "--prompt", "Q"}, "'Q'"},
        BadInput{"EmptyPrompt", {"--prompt", ""}, "--prompt"},
        BadInput{"NegativeTemperature", {"--temperature", "-1"}, "--temperature must be"},
        BadInput{"MissingConfiguration", {"--config", "nothing.toml"}, "nothing.toml"},
        BadInput{"UnknownConfiguration", {"--config", "bad.toml"}, "'bread'"},
        BadInput{"MoreMemoryThanThereIs",
                 {"--width", "65536", "--layers", "1000"},
                 "too large for memory"},
        BadInput{"AbsurdSizes", {"--width", "1048576", "--layers", "10000"}, "memory"}),
    [](const auto& info) { return info.param.name; });

TEST(BadInput, TextShorterThanAWindowIsToldWithBothSizes) {
  const Folder folder;
  write_text(folder, "text.txt", 9);
  const auto ended = run(folder, tiny_training("out"));
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "only 8 tokens, but one window takes 9");
}

TEST(BadInput, ValidationPartOfOneTokenIsTooShort) {
  const Folder folder;
  write_text(folder, "text.txt", 100);
  const auto ended = run(folder, tiny_training("out", {"--validation", "0.01"}));
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "--validation 0");
}

TEST(BadInput, UnreadableFileIsNamed) {
  const Folder folder;
  write_text(folder, "text.txt");
  std::filesystem::permissions(folder / "text.txt", std::filesystem::perms::none);
  const auto ended = run(folder, tiny_training("out"));
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "text.txt");
}

TEST(BadInput, OutputPathThatIsAFileIsNamed) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("text.txt"));
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "text.txt");
}

TEST(BadInput, MissingDataOrFolderIsAskedFor) {
  const Folder folder;
  write_text(folder, "text.txt");
  auto ended = run(folder, {"train", "--out", "out"});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "--data");
  ended = run(folder, {"train", "--data", "text.txt"});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "--out");
}

TEST(BadInput, UnknownOrMissingCommandIsNamed) {
  const Folder folder;
  auto ended = run(folder, {"bake"});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "'bake'");
  // A misspelt command is what is wrong, not the options that follow it.
  ended = run(folder, {"bake", "--data", "text.txt"});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "'bake'");
  ended = run(folder, {});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "command");
}

TEST(BadInput, TensorOfTheWrongShapeIsNamed) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "1"})).exit_code, 0);
  auto config = read_json(folder / "first/config.json");
  config["n_embd"] = 4;
  std::ofstream(folder / "first/config.json") << config;
  const auto ended =
      run(folder, {"train", "--data", "text.txt", "--out", "second", "--init", "first"});
  EXPECT_EQ(ended.exit_code, 2);
  expect_one_line(ended, "transformer.");
}

TEST(BadInput, RateThatExplodesNamesTheStepAndKeepsTheLastVersion) {
  const Folder folder;
  write_text(folder, "text.txt");
  const auto ended = run(folder, tiny_training("out", {"--steps", "50", "--learning-rate", "1e30",
                                                       "--clip", "0", "--warmup", "0"}));
  EXPECT_EQ(ended.exit_code, 1);
  expect_one_line(ended, "step");
  EXPECT_NE(ended.err.find("--resume"), std::string::npos) << ended.err;
  EXPECT_TRUE(std::filesystem::exists(folder / "out/model.safetensors"));
  EXPECT_EQ(read_json(folder / "out/run.json").at("results").at("end"), "failed");
}

TEST(BadInput, FullDiskIsOneLine) {
  const Folder folder;
  write_text(folder, "text.txt");
  // Room for run.json, not for a checkpoint.
  const auto ended =
      run(folder, tiny_training("out", {"--steps", "20", "--width", "64"}), {.file_size = 20'000});
  EXPECT_EQ(ended.exit_code, 1);
  expect_one_line(ended, "out");
}

}  // namespace
}  // namespace nodezero::test
