// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/choice_text.hpp"

#include <string>

#include <gtest/gtest.h>

namespace nodezero::actors {
namespace {

/// The text in one piece and in as many as there are tokens, which must be the same.
struct Written {
  std::string text;
  std::vector<std::string> pieces;
  std::vector<TextToken> tokens;
  bool has_stopped = false;
};

Written write(const std::string& bytes, const std::vector<std::string>& stops = {},
              const std::string& prompt = {}) {
  const auto tokenizer = model::Tokenizer::bytes();
  ChoiceText streamed(tokenizer, stops), whole(tokenizer, stops);
  Written written;
  const auto take = [&] {
    auto shown = streamed.take();
    written.text += shown.text;
    written.pieces.push_back(shown.text);
    std::ranges::move(shown.tokens, std::back_inserter(written.tokens));
  };
  const auto id = [](char c) {
    return model::ScoredToken{static_cast<unsigned char>(c), -1.5, {}};
  };
  for (const char c : prompt) {
    streamed.add_prompt(id(c));
    whole.add_prompt(id(c));
    take();
  }
  for (const char c : bytes) {
    if (!streamed.has_stopped()) {
      streamed.add(id(c));
      whole.add(id(c));
      take();
    }
  }
  streamed.finish();
  whole.finish();
  take();
  written.has_stopped = streamed.has_stopped();
  const auto shown = whole.take();
  EXPECT_EQ(shown.text, written.text);
  EXPECT_EQ(shown.tokens.size(), written.tokens.size());
  return written;
}

TEST(ChoiceText, NeverCutsACharacter) {
  const auto written = write("a\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(written.text, "a\xE2\x82\xAC\xF0\x9F\x98\x80z");
  EXPECT_EQ(written.pieces, (std::vector<std::string>{"a", "", "", "\xE2\x82\xAC", "", "", "",
                                                      "\xF0\x9F\x98\x80", "z", ""}));
}

TEST(ChoiceText, ReplacesWhatIsNotUtf8) {
  EXPECT_EQ(write("a\xFF"
                  "b")
                .text,
            "a\xEF\xBF\xBD"
            "b");
  EXPECT_EQ(write("a\xE2\x82").text, "a\xEF\xBF\xBD\xEF\xBF\xBD") << "it never became whole";
}

TEST(ChoiceText, EndsBeforeAStopText) {
  const auto written = write("one two three", {"three", "two"});
  EXPECT_EQ(written.text, "one ");
  EXPECT_TRUE(written.has_stopped);
  EXPECT_EQ(written.tokens.size(), 4u) << "the tokens of what is shown";
  EXPECT_EQ(write("aab", {"ab"}).text, "a");
  EXPECT_EQ(write("abcabd", {"abd"}).text, "abc");
}

TEST(ChoiceText, HoldsBackWhatMayBecomeAStopText) {
  const auto written = write("xENx", {"END"});
  EXPECT_EQ(written.text, "xENx");
  EXPECT_EQ(written.pieces, (std::vector<std::string>{"x", "", "", "ENx", ""}));
  EXPECT_EQ(write("xEN", {"END"}).text, "xEN") << "it did not";
}

TEST(ChoiceText, DoesNotLookForStopTextsInThePrompt) {
  EXPECT_EQ(write("Dx", {"END"}, "EN").text, "ENDx");
  EXPECT_EQ(write("ENDx", {"END"}, "END").text, "END");
}

TEST(ChoiceText, SaysWhereEachTokenBegins) {
  const auto written = write(
      "\xE2\x82\xAC"
      "b",
      {}, "a");
  ASSERT_EQ(written.tokens.size(), 5u);
  EXPECT_EQ(written.tokens[0].offset, 0u);
  EXPECT_EQ(written.tokens[1].offset, 1u);
  EXPECT_EQ(written.tokens[1].text, "bytes:\\xe2");
  EXPECT_EQ(written.tokens[3].offset, 1u) << "inside of the character";
  EXPECT_EQ(written.tokens[4].offset, 2u);
  EXPECT_EQ(written.tokens[4].log_probability, -1.5);
}

}  // namespace
}  // namespace nodezero::actors
