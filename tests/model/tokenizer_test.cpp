// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/tokenizer.hpp"

#include <numeric>

#include <gtest/gtest.h>

#include "model/text/character_table.hpp"
#include "model/text/utf8_text.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

std::string all_bytes() {
  std::string bytes(256, '\0');
  std::iota(bytes.begin(), bytes.end(), '\0');
  return bytes;
}

/// Every ASCII character, control characters included, and some from every length of UTF-8.
std::vector<char32_t> mixed_alphabet() {
  std::vector<char32_t> alphabet(128);
  std::iota(alphabet.begin(), alphabet.end(), U'\0');
  for (const char32_t c :
       U"\u0080\u00A0\u00AD\u00E9\u0100\u07FF\u0800\u4E2D\uFEFF\uFFFD\U0001F600\U0010FFFF") {
    if (c != 0) {
      alphabet.push_back(c);
    }
  }
  return alphabet;
}

void expect_same(const Tokenizer& a, const Tokenizer& b) {
  EXPECT_EQ(a.kind(), b.kind());
  EXPECT_EQ(a.vocabulary(), b.vocabulary());
  EXPECT_TRUE(std::ranges::equal(a.alphabet(), b.alphabet()));
}

std::string with_model(const std::string& model, const std::string& rest = "") {
  return R"({"pre_tokenizer":{"type":"ByteLevel","add_prefix_space":false},)" + rest +
         R"("model":)" + model + "}";
}

TEST(Tokenizer, BytesComeBackFromTheirIds) {
  const auto tokenizer = Tokenizer::bytes();
  const auto ids = tokenizer.encode(all_bytes());
  ASSERT_TRUE(ids);
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ((*ids)[static_cast<std::size_t>(byte)], byte);
  }
  EXPECT_EQ(tokenizer.decode(*ids), all_bytes());
}

TEST(Tokenizer, CharactersOfAllLengthsComeBackFromTheirIds) {
  const auto alphabet = mixed_alphabet();
  const auto tokenizer = Tokenizer::chars(alphabet);
  std::string text;
  for (const char32_t c : alphabet) {
    append_utf8(c, text);
  }
  const auto ids = tokenizer.encode(text);
  ASSERT_TRUE(ids) << ids.error().message;
  ASSERT_EQ(ids->size(), alphabet.size());
  for (std::size_t i = 0; i < alphabet.size(); ++i) {
    EXPECT_EQ((*ids)[i], static_cast<std::int32_t>(i));
    EXPECT_EQ(tokenizer.id_of(alphabet[i]), static_cast<std::int32_t>(i));
  }
  EXPECT_EQ(tokenizer.decode(*ids), text);
  EXPECT_EQ(tokenizer.id_of(U'\u00EA'), -1);
}

TEST(Tokenizer, NamesAnUnknownCharacterAndItsPlace) {
  const auto result = Tokenizer::chars({U'a', U'b'}).encode("ab\xC3\xA9");
  EXPECT_NE(message_of(result).find("'é' (U+00E9) at byte 2"), std::string::npos);
  EXPECT_EQ(result.error().code, ErrorCode::malformed);
}

TEST(Tokenizer, RefusesWhatIsNotUtf8) {
  // Cut short, overlong, surrogate, beyond Unicode, a lone continuation.
  for (const char* text : {"a\xC3", "a\xC0\x80", "a\xED\xA0\x80", "a\xF4\x90\x80\x80", "a\x80"}) {
    const auto result = Tokenizer::chars({U'a'}).encode(text);
    EXPECT_NE(message_of(result).find("byte 1"), std::string::npos);
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
}

TEST(Tokenizer, DecodesIdsOutsideTheVocabularyAsReplacementCharacters) {
  const std::vector<std::int32_t> ids{-1, 0, 256, 1'000'000};
  EXPECT_EQ(Tokenizer::bytes().decode(ids),
            std::string("\xEF\xBF\xBD\0\xEF\xBF\xBD\xEF\xBF\xBD", 10));
  EXPECT_EQ(Tokenizer::chars({U'x'}).decode(ids), "\xEF\xBF\xBDx\xEF\xBF\xBD\xEF\xBF\xBD");
}

TEST(Tokenizer, WithoutTextTakesNoneAndShowsIds) {
  const auto tokenizer = Tokenizer::none(100);
  EXPECT_FALSE(tokenizer.encode("x"));
  EXPECT_EQ(tokenizer.decode(std::vector<std::int32_t>{3, 14, 99}), "3 14 99");
  EXPECT_EQ(tokenizer.to_json(), "");
}

TEST(TokenizerJson, KeepsBytes) {
  const auto loaded = Tokenizer::from_json(Tokenizer::bytes().to_json());
  ASSERT_TRUE(loaded) << loaded.error().message;
  expect_same(*loaded, Tokenizer::bytes());
}

TEST(TokenizerJson, WritesBytesAsGpt2sSymbols) {
  const std::string json = Tokenizer::bytes().to_json();
  // Printable bytes stand for themselves; the others follow from U+0100 on, in order: the
  // space is the 33rd of them, the soft hyphen the last.
  for (const char* entry : {"\"Ā\":0,", "\"Ċ\":10,", "\"Ġ\":32,", "\"!\":33,", "\"ġ\":127,",
                            "\"¬\":172,", "\"Ń\":173,", "\"ÿ\":255}"}) {
    EXPECT_NE(json.find(entry), std::string::npos) << entry;
  }
}

TEST(TokenizerJson, KeepsAsciiAlphabetsInAnyOrder) {
  const auto tokenizer = Tokenizer::chars({U'z', U'\n', U' ', U'a', U'\0', U'\x7F', U'"', U'\\'});
  const auto loaded = Tokenizer::from_json(tokenizer.to_json());
  ASSERT_TRUE(loaded) << loaded.error().message;
  expect_same(*loaded, tokenizer);
  EXPECT_EQ(loaded->id_of(U'a'), 3);
}

TEST(TokenizerJson, KeepsEveryCharacterOfOtherAlphabets) {
  const auto tokenizer = Tokenizer::chars(mixed_alphabet());
  const auto loaded = Tokenizer::from_json(tokenizer.to_json());
  ASSERT_TRUE(loaded) << loaded.error().message;
  expect_same(*loaded, tokenizer);
}

TEST(TokenizerJson, KeepsTheLargestAlphabet) {
  std::vector<char32_t> alphabet(CharacterTable::max_tokens);
  std::iota(alphabet.begin(), alphabet.end(), U'\U00010000');
  const auto loaded = Tokenizer::from_json(Tokenizer::chars(alphabet).to_json());
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_TRUE(std::ranges::equal(loaded->alphabet(), alphabet));
}

TEST(TokenizerJson, ReadsTheReferenceModels) {
  const auto text = content_of(data_folder() / "trained/tokenizer.json");
  const auto loaded = Tokenizer::from_json(text);
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->kind(), Tokenizer::Kind::chars);
  EXPECT_EQ(loaded->vocabulary(), 52);
  EXPECT_EQ(*loaded->encode("\n \"y"), (std::vector<std::int32_t>{0, 1, 2, 51}));
  expect_same(*Tokenizer::from_json(loaded->to_json()), *loaded);
}

TEST(TokenizerJson, LeavesOutTokensThatWereAddedToAnAlphabet) {
  const auto loaded = Tokenizer::from_json(
      with_model(R"({"type":"BPE","vocab":{"a":0,"b":1}})",
                 R"("added_tokens":[{"id":2,"content":"<|endoftext|>","special":true}],)"));
  ASSERT_TRUE(loaded) << loaded.error().message;
  EXPECT_EQ(loaded->vocabulary(), 2);
}

TEST(TokenizerJson, RefusesMergesAndOtherFormsByName) {
  const struct {
    std::string json;
    std::string named;
  } cases[] = {
      {with_model(R"({"type":"BPE","vocab":{"a":0,"b":1,"ab":2},"merges":["a b"]})"),
       "no token for the byte"},
      {with_model(R"({"type":"BPE","vocab":{"ab":0},"merges":[]})"), "\"ab\""},
      {with_model(R"({"type":"BPE","vocab":{"a":1},"merges":[]})"), "the id 1"},
      {with_model(R"({"type":"BPE","vocab":{"a":0,"b":0},"merges":[]})"), "the id 0"},
      {with_model(R"({"type":"BPE","vocab":{"a":-1},"merges":[]})"), "the id -1"},
      {with_model(R"({"type":"BPE","vocab":{"a":0.5},"merges":[]})"), "the id 0.5"},
      {with_model(R"({"type":"BPE","vocab":{"é":0},"merges":[]})"), "(U+00E9)"},
      {with_model(R"({"type":"BPE","vocab":{"中":0},"merges":[]})"), "(U+4E2D)"},
      {with_model(R"({"type":"BPE","vocab":{},"merges":[]})"), "no model"},
      {with_model(R"({"type":"Unigram","vocab":{"a":0}})"), "\"Unigram\""},
      {with_model(R"({"type":"BPE","vocab":{"a":0}})", R"("normalizer":{"type":"NFC"},)"),
       "normalizer"},
      {R"({"pre_tokenizer":{"type":"Whitespace"},"model":{"vocab":{"a":0}}})", "pre-tokenizer"},
      {R"({"pre_tokenizer":{"type":"ByteLevel"},"model":{"vocab":{"a":0}}})", "add_prefix_space"},
      {"[]", "JSON object"},
      {"", "not JSON (byte 1)"},
      {R"({"model":3})", "no model"},
  };
  for (const auto& [json, named] : cases) {
    const auto result = Tokenizer::from_json(json);
    EXPECT_NE(message_of(result).find(named), std::string::npos)
        << message_of(result) << " does not name " << named;
    EXPECT_EQ(result.error().code, ErrorCode::malformed);
  }
}

TEST(TokenizerJson, SurvivesTruncationAtEveryByte) {
  const std::string json = Tokenizer::chars(mixed_alphabet()).to_json();
  // The last byte is a line end that nobody misses.
  for (std::size_t length = 0; length + 1 < json.size(); ++length) {
    EXPECT_FALSE(Tokenizer::from_json(json.substr(0, length)));
  }
}

}  // namespace
}  // namespace nodezero::model
