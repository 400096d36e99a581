// SPDX-License-Identifier: BSD-3-Clause

// Models that come from other programs and go to them.

#include <cstdint>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <iterator>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;

std::string content_of(const fs::path& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

void write(const fs::path& path, const std::string& content) {
  std::ofstream(path, std::ios::binary) << content;
}

/// Gives a model folder more token ids than its tokenizer has, as programs do to round a size up.
/// The new ones have the embedding of the first, so they are as likely.
void pad_vocabulary(const fs::path& folder, std::int64_t vocabulary) {
  const std::string file = content_of(folder / "model.safetensors");
  std::uint64_t length = 0;
  std::memcpy(&length, file.data(), sizeof length);
  const auto header = nlohmann::json::parse(file.substr(8, length));
  auto padded = nlohmann::ordered_json::object();
  std::string data;
  for (const auto& [name, tensor] : header.items()) {
    if (name == "__metadata__") {
      continue;
    }
    const auto begin = tensor["data_offsets"][0].get<std::size_t>();
    const auto end = tensor["data_offsets"][1].get<std::size_t>();
    auto shape = tensor["shape"].get<std::vector<std::int64_t>>();
    std::string numbers = file.substr(8 + length + begin, end - begin);
    if (name == "transformer.wte.weight") {
      const auto row = numbers.substr(0, numbers.size() / static_cast<std::size_t>(shape[0]));
      for (; shape[0] < vocabulary; ++shape[0]) {
        numbers += row;
      }
    }
    padded[name] = {{"dtype", "F32"},
                    {"shape", shape},
                    {"data_offsets", {data.size(), data.size() + numbers.size()}}};
    data += numbers;
  }
  const std::string text = padded.dump();
  const std::uint64_t size = text.size();
  write(folder / "model.safetensors",
        std::string(reinterpret_cast<const char*>(&size), sizeof size) + text + data);
  auto config = read_json(folder / "config.json");
  config["vocab_size"] = vocabulary;
  write(folder / "config.json", config.dump());
  fs::remove(folder / "checksums.json");
}

TEST(Interchange, EveryFolderTellsHowItsTokenizerIsToBeUsed) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("out", {"--steps", "4"})).exit_code, 0);
  for (const char* where : {"out", "out/best", "out/checkpoints/step-00000004"}) {
    const auto json = read_json(folder / where / "tokenizer_config.json");
    EXPECT_EQ(json.at("tokenizer_class"), "PreTrainedTokenizerFast") << where;
    EXPECT_EQ(json.at("model_max_length"), 8) << where;
  }
}

TEST(Interchange, ARunKeepsWhatStoodBesideTheModelThatItStartsFrom) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4"})).exit_code, 0);
  write(folder / "first/generation_config.json", "{\"eos_token_id\": 10}");
  write(folder / "first/special_tokens_map.json", "{\"eos_token\": \"x\"}");
  auto config = read_json(folder / "first/config.json");
  config["eos_token_id"] = 10;
  write(folder / "first/config.json", config.dump());
  ASSERT_EQ(run(folder,
                {"train", "--init", "first", "--out", "next", "--data", "text.txt", "--steps", "4"})
                .exit_code,
            0);
  ASSERT_EQ(run(folder, {"train", "--resume", "--out", "next", "--steps", "6"}).exit_code, 0);
  for (const char* where : {"next", "next/best", "next/checkpoints/step-00000006"}) {
    for (const char* name : {"generation_config.json", "special_tokens_map.json",
                             "tokenizer_config.json", "tokenizer.json"}) {
      EXPECT_EQ(content_of(folder / where / name), content_of(folder / "first" / name))
          << where << " " << name;
    }
    EXPECT_EQ(read_json(folder / where / "config.json").at("eos_token_id"), 10) << where;
  }
}

TEST(Interchange, AModelWithMoreIdsThanItsTokenizerTrainsAndNeverTakesThem) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4", "--tokenizer", "chars"})).exit_code,
            0);
  pad_vocabulary(folder / "first", 2'000);
  const auto text = run(folder, {"generate", "--model", "first", "--tokens", "50"});
  EXPECT_EQ(text.exit_code, 0) << text.err;
  EXPECT_EQ(text.out.find("\xEF\xBF\xBD"), std::string::npos) << text.out;
  const auto trained = run(folder, {"train", "--init", "first", "--out", "next", "--data",
                                    "text.txt", "--steps", "4", "--prompt", "the "});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_EQ(trained.out.find("\xEF\xBF\xBD"), std::string::npos) << trained.out;
  EXPECT_EQ(read_json(folder / "next/config.json").at("vocab_size"), 2'000);
  const auto resumed = run(folder, {"train", "--resume", "--out", "next", "--steps", "6"});
  EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
}

TEST(Interchange, TokenFilesTakeTheVocabularyOfTheModelThatTheRunStartsFrom) {
  const Folder folder;
  write_text(folder, "text.txt");
  ASSERT_EQ(run(folder, tiny_training("first", {"--steps", "4"})).exit_code, 0);
  std::string ids;
  for (int i = 0; i < 1'000; ++i) {
    ids += std::string{static_cast<char>(i % 251), 0};
  }
  write(folder / "ids.bin", ids);
  const auto trained = run(
      folder, {"train", "--init", "first", "--out", "next", "--data", "ids.bin", "--steps", "4"});
  EXPECT_EQ(trained.exit_code, 0) << trained.err;
  EXPECT_TRUE(fs::exists(folder / "next/tokenizer.json"));
}

}  // namespace
}  // namespace nodezero::test
