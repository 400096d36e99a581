// SPDX-License-Identifier: BSD-3-Clause

// What people give to the program: pipes, packed and binary files, nanoGPT's folder, names that are
// no text.

#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;

const std::vector<std::string> few_steps{"--steps", "3"};

std::vector<std::string> few_steps_on(const std::string& data) {
  return {"--steps", "3", "--data", data};
}

TEST(Input, DataFromAPipeIsKeptForTheNextSession) {
  const Folder folder;
  const auto text = content_of(folder / write_text(folder, "text.txt"));
  ASSERT_EQ(run(folder, tiny_training("named", few_steps)).exit_code, 0);
  const auto piped = run(folder, tiny_training("piped", few_steps_on("-")), {}, text);
  EXPECT_EQ(piped.exit_code, 0) << piped.err;
  EXPECT_EQ(digests(folder / "piped"), digests(folder / "named"));
  fs::remove(folder / "text.txt");
  const auto resumed = run(folder, {"train", "--resume", "--out", "piped", "--steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto evaluated = run(folder, {"eval", "--model", "piped", "--data", "-"}, {}, text);
  EXPECT_EQ(evaluated.exit_code, 0) << evaluated.err;
  const auto nothing = run(folder, tiny_training("empty", few_steps_on("-")), {}, "");
  EXPECT_EQ(nothing.exit_code, 2);
  EXPECT_NE(nothing.err.find("standard input is empty"), std::string::npos) << nothing.err;
}

TEST(Input, PromptsComeFromFilesAndPipes) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("run", few_steps)).exit_code, 0);
  const std::vector<std::string> usual{"generate", "--model", "run", "--tokens", "5"};
  const auto generated = [&](std::vector<std::string> more, const std::string& input = "") {
    auto arguments = usual;
    arguments.insert(arguments.end(), more.begin(), more.end());
    const auto ended = run(folder, arguments, {}, input);
    EXPECT_EQ(ended.exit_code, 0) << ended.err;
    return ended.out;
  };
  const auto expected = generated({"--prompt", "some words"});
  EXPECT_TRUE(expected.starts_with("some words")) << expected;
  write(folder / "prompt.txt", "some words");
  EXPECT_EQ(generated({"--prompt-file", "prompt.txt"}), expected);
  EXPECT_EQ(generated({"--prompt", "-"}, "some words"), expected);
  // More than a command line holds.
  std::string long_prompt(300'000, 'x');
  EXPECT_TRUE(generated({"--prompt", "-"}, long_prompt).starts_with(long_prompt));
}

TEST(Input, WithoutAPromptAModelWithoutLineBreaksBeginsSomehow) {
  const Folder folder;
  write(folder / "text.txt", std::string(3'000, 'a') + std::string(1'000, 'b'));
  ASSERT_EQ(run(folder, tiny_training("run", {"--steps", "3", "--tokenizer", "chars"})).exit_code,
            0);
  const auto ended = run(folder, {"generate", "--model", "run", "--tokens", "5"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
}

TEST(Input, NanoGptsFolderIsReadAsItIs) {
  const Folder folder;
  std::string ids;
  for (int i = 0; i < 2'000; ++i) {
    ids += static_cast<char>(i * i % 10);
    ids += '\0';
  }
  write(folder / "data/train.bin", ids);
  write(folder / "data/val.bin", ids.substr(0, 400));
  write(folder / "data/input.txt", "the text that it was made from");
  write(folder / "data/prepare.py", "print()");
  write(folder / "data/meta.pkl", "not what nanoGPT writes");
  const auto ended =
      run(folder, tiny_training("run", {"--steps", "3", "--data", "data", "--vocabulary", "10"}));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("val.bin held out"), std::string::npos) << ended.out;
  EXPECT_NE(ended.out.find("meta.pkl' is ignored"), std::string::npos) << ended.out;
  const auto data = read_json(folder / "run/run.json").at("data");
  EXPECT_EQ(data.at("training").at("tokens"), 2'000);
  EXPECT_EQ(data.at("validation").at("tokens"), 200);
}

TEST(Input, WhatIsNoTextNeedsBinary) {
  const Folder folder;
  std::string picture = "\x89PNG\r\n\x1A\n";
  for (int i = 0; i < 3'000; ++i) {
    picture += static_cast<char>(i * 7);
  }
  write(folder / "picture.png", picture);
  const auto refused = run(folder, tiny_training("run", few_steps_on("picture.png")));
  EXPECT_EQ(refused.exit_code, 2);
  EXPECT_NE(refused.err.find("picture.png: a picture"), std::string::npos) << refused.err;
  EXPECT_NE(refused.err.find("--binary"), std::string::npos) << refused.err;
  auto binary = few_steps_on("picture.png");
  binary.push_back("--binary");
  EXPECT_EQ(run(folder, tiny_training("run", binary)).exit_code, 0);
  EXPECT_EQ(run(folder, {"train", "--resume", "--out", "run", "--steps", "6"}).exit_code, 0);
}

// Every byte but '/' and NUL may stand in a name on Linux.
TEST(Input, AnyNameWorksAndReachesATerminalEscaped) {
  const Folder folder;
  const std::string name = "caf\xE9\x1B[31m";
  const auto text = write_text(folder, "text.txt");
  fs::create_directory(folder / name);
  fs::rename(folder / text, folder / (name + "/" + name));
  const auto data = name + "/" + name;
  const auto ended = run(folder, tiny_training(name + "/run", few_steps_on(data)));
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_EQ(ended.out.find('\x1B'), std::string::npos);
  const auto resumed = run(folder, {"train", "--resume", "--out", name + "/run", "--steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
  const auto missing = run(folder, tiny_training("other", few_steps_on(name + "/none")));
  EXPECT_EQ(missing.exit_code, 2);
  EXPECT_NE(missing.err.find("caf\\xE9\\x1B[31m/none"), std::string::npos) << missing.err;
}

TEST(Input, AConfigurationFileMayBeginWithAMarkAndNamesPathsFromItsFolder) {
  const Folder folder;
  write(folder / "runs/run.toml",
        "\xEF\xBB\xBFlayers = 1\ndata = \"../text.txt\"\nout = \"here\"\n");
  write_text(folder, "text.txt");
  const auto ended = run(folder, {"train", "--config", "runs/run.toml", "--steps", "3", "--heads",
                                  "2", "--width", "8", "--context", "8", "--threads", "1"});
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_TRUE(fs::exists(folder / "runs/here/run.json"));
}

}  // namespace
}  // namespace nodezero::test
