// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/tokenizer_files.hpp"

#include <fmt/format.h>
#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

#include "model/bpe/byte_pairs.hpp"
#include "tests/model/support/byte_pairs.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

nlohmann::json small_json() {
  return nlohmann::json::parse(content_of(data_folder() / "bpe/tokenizer.json"));
}

std::string base64(const std::string& bytes) {
  constexpr char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string text;
  for (std::size_t i = 0; i < bytes.size(); i += 3) {
    std::uint32_t bits = 0;
    for (std::size_t k = 0; k < 3; ++k) {
      bits = bits << 8 | (i + k < bytes.size() ? static_cast<unsigned char>(bytes[i + k]) : 0U);
    }
    for (std::size_t k = 0; k < 4; ++k) {
      text += i + k > bytes.size() ? '=' : digits[bits >> (18 - 6 * k) & 63];
    }
  }
  return text;
}

std::string ranks_of(const BytePairs& pairs) {
  std::string text;
  for (std::int32_t id = 0; id < pairs.vocabulary(); ++id) {
    const Token& token = pairs.tokens()[static_cast<std::size_t>(id)];
    if (token.role == Token::Role::text) {
      text += fmt::format("{} {}\n", base64(token.bytes), id);
    }
  }
  return text;
}

TEST(TokenizerFiles, AllFormsOfGpt2sVocabularyAreOne) {
  const TemporaryFolder folder;
  const auto expected = Tokenizer::bpe(gpt2_byte_pairs());
  EXPECT_EQ(expected.vocabulary(), 50'257);
  EXPECT_EQ(expected.end_token(), 50'256);
  folder.write("new/vocab.json", gpt2_vocabulary().dump());
  folder.write("new/merges.txt", gpt2_merges());
  folder.write("old/encoder.json", gpt2_vocabulary().dump());
  folder.write("old/vocab.bpe", gpt2_merges());
  folder.write("whole/tokenizer.json", expected.to_json());
  folder.write("r50k_base.tiktoken", ranks_of(gpt2_byte_pairs()));
  for (const char* name : {"new", "old", "whole", "new/merges.txt", "old/encoder.json",
                           "whole/tokenizer.json", "r50k_base.tiktoken"}) {
    const auto read = read_tokenizer(folder.path() / name);
    ASSERT_TRUE(read) << read.error().message;
    EXPECT_EQ(read->end_token(), 50'256) << name;
    EXPECT_TRUE(std::ranges::equal(read->byte_pairs().merges(), expected.byte_pairs().merges(),
                                   [](const Merge& a, const Merge& b) {
                                     return a.left == b.left && a.right == b.right &&
                                            a.result == b.result;
                                   }))
        << name;
  }
}

TEST(TokenizerFiles, KeepTheVocabularyOfAModelToTheLetter) {
  const auto read = read_tokenizer(data_folder() / "bpe");
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind(), Tokenizer::Kind::bpe);
  EXPECT_EQ(read->vocabulary(), 768);
  EXPECT_EQ(read->end_token(), 0);
  auto written = nlohmann::json::parse(read->to_json());
  auto given = small_json();
  for (auto* json : {&written, &given}) {
    for (auto& merge : (*json)["model"]["merges"]) {
      if (merge.is_array()) {
        merge = merge[0].get<std::string>() + " " + merge[1].get<std::string>();
      }
    }
  }
  EXPECT_EQ(written, given);
}

TEST(TokenizerFiles, SpecialTokensAreNeverMadeOfTextAndHaveNone) {
  const auto read = read_tokenizer(data_folder() / "bpe");
  const auto ids = read->encode("a<|endoftext|>b");
  ASSERT_TRUE(ids);
  EXPECT_EQ(std::ranges::count(*ids, 0), 0);
  EXPECT_EQ(read->decode(*ids), "a<|endoftext|>b");
  EXPECT_EQ(read->decode(std::vector<std::int32_t>{ids->front(), 0, ids->back()}), "ab");
}

TEST(TokenizerFiles, BytesWithAnEndTokenAreBytePairsWithoutMerges) {
  const auto trained = Tokenizer::bpe(BytePairTrainer().train(257));
  const auto read = Tokenizer::from_json(trained.to_json());
  ASSERT_TRUE(read) << read.error().message;
  EXPECT_EQ(read->kind(), Tokenizer::Kind::bpe);
  EXPECT_EQ(read->to_json(), trained.to_json());
}

TEST(TokenizerFiles, AreRefusedByNameWhereTheyCannotBeRun) {
  struct Case {
    std::string named;
    void (*change)(nlohmann::json&);
  };
  const Case cases[] = {
      {"\"x y\"", [](nlohmann::json& json) { json["model"]["merges"].push_back("x y"); }},
      {"\"one\"", [](nlohmann::json& json) { json["model"]["merges"].push_back("one"); }},
      {"twice",
       [](nlohmann::json& json) { json["model"]["merges"].push_back(json["model"]["merges"][0]); }},
      {"the id 5 to two tokens", [](nlohmann::json& json) { json["model"]["vocab"]["&"] = 5; }},
      {"the id 4000000000", [](nlohmann::json& json) { json["model"]["vocab"]["%"] = 4000000000; }},
      {"to no token",
       [](nlohmann::json& json) {
         json["model"]["vocab"].erase("Ġthe");
         json["model"]["merges"] = nlohmann::json::array({"a t"});
       }},
      {"no token for the byte",
       [](nlohmann::json& json) {
         json["model"]["vocab"].erase("%");
         json["model"]["vocab"]["zzz"] = 5;
         json["model"]["merges"] = nlohmann::json::array({"a t"});
       }},
      {"does not stand for bytes",
       [](nlohmann::json& json) {
         json["model"]["vocab"].erase("%");
         json["model"]["vocab"]["日"] = 5;
       }},
      {"normalizer",
       [](nlohmann::json& json) {
         json["normalizer"] = {{"type", "NFC"}};
       }},
      {"pre-tokenizer", [](nlohmann::json& json) { json["pre_tokenizer"]["type"] = "Split"; }},
      {"pre-tokenizer",
       [](nlohmann::json& json) { json["pre_tokenizer"]["add_prefix_space"] = true; }},
      {"pre-tokenizer", [](nlohmann::json& json) { json["pre_tokenizer"]["use_regex"] = false; }},
      {"dropout", [](nlohmann::json& json) { json["model"]["dropout"] = 0.1; }},
      {"end_of_word_suffix",
       [](nlohmann::json& json) { json["model"]["end_of_word_suffix"] = "</w>"; }},
      {"byte_fallback", [](nlohmann::json& json) { json["model"]["byte_fallback"] = true; }},
      {"WordPiece", [](nlohmann::json& json) { json["model"]["type"] = "WordPiece"; }},
      {"added token", [](nlohmann::json& json) { json["added_tokens"].push_back(7); }},
  };
  for (const auto& [named, change] : cases) {
    auto json = small_json();
    change(json);
    const auto read = Tokenizer::from_json(json.dump());
    EXPECT_NE(message_of(read).find(named), std::string::npos) << named << ": " << message_of(read);
    EXPECT_EQ(read.error().code, ErrorCode::malformed);
  }
}

TEST(TokenizerFiles, NameTheFileThatIsWrong) {
  const TemporaryFolder folder;
  const auto expect = [&](const std::string& path, const std::string& named) {
    const auto read = read_tokenizer(folder.path() / path);
    EXPECT_NE(message_of(read).find(named), std::string::npos) << message_of(read);
  };
  expect("", "no tokenizer.json");
  expect("missing.json", "missing.json");
  folder.write("other.json", "{}");
  expect("other.json", "other.json: has no model");
  folder.write("pair/vocab.json", "[]");
  folder.write("pair/merges.txt", "#version: 0.2\n");
  expect("pair", "vocab.json: is not a JSON object");
  folder.write("pair/vocab.json", R"({"a":0,"b":2})");
  expect("pair", "the id 2");
  folder.write("a.tiktoken", "YQ== 0\nYg== x\n");
  expect("a.tiktoken", "line 2");
  folder.write("a.tiktoken", "YQ== 0\nYg== 0\n");
  expect("a.tiktoken", "the rank 0");
  folder.write("a.tiktoken", "YQ== 0\nYg== 2\n");
  expect("a.tiktoken", "the rank 1");
  folder.write("a.tiktoken", "Y*== 0\n");
  expect("a.tiktoken", "line 1");
}

}  // namespace
}  // namespace nodezero::model
