// SPDX-License-Identifier: BSD-3-Clause
#include "formats/bounded_json.hpp"

#include <string>

#include <gtest/gtest.h>
#include <nlohmann/json.hpp>

namespace nodezero::formats {
namespace {

/// `begin`, then `part` many times, then `end`.
std::string repeated(std::string_view part, std::size_t times, std::string_view begin = "",
                     std::string_view end = "") {
  std::string text(begin);
  for (std::size_t i = 0; i < times; ++i) {
    text.append(part);
  }
  return text.append(end);
}

std::string refusal(const std::string& text) {
  const auto json = read_json(text);
  if (json) {
    return "accepted";
  }
  EXPECT_EQ(json.error().code, ErrorCode::malformed);
  return json.error().message;
}

TEST(BoundedJson, ReadsWhatPeopleWrite) {
  const auto json = read_json(R"({"a": [1, -2.5, "b", null, true], "c": {"d": {}}})");
  ASSERT_TRUE(json);
  EXPECT_EQ(json->at("a").at(1), -2.5);
  EXPECT_EQ(json->at("c").dump(), R"({"d":{}})");
}

TEST(BoundedJson, SaysWhereATextIsNoJson) {
  EXPECT_EQ(refusal(R"({"a": })"), "is not JSON (byte 7)");
  EXPECT_EQ(refusal(""), "is not JSON (byte 1)");
  EXPECT_EQ(refusal("\"\xC3\""), "is not JSON (byte 3)");
  EXPECT_EQ(refusal("1e999"), "is JSON with a number beyond all bounds");
}

TEST(BoundedJson, RefusesWhatIsNestedDeeply) {
  EXPECT_TRUE(read_json(repeated("[", 64) + repeated("]", 64)));
  EXPECT_EQ(refusal(repeated("[", 66) + repeated("]", 66)), "is nested more than 64 deep");
  EXPECT_EQ(refusal(repeated("{\"a\":", 1'000'000)), "is nested more than 64 deep");
}

TEST(BoundedJson, RefusesWhatNeedsFarMoreMemoryThanItsText) {
  EXPECT_EQ(refusal(repeated("[],", 1'500'000, "[", "[]]")), "holds too many values for its size");
  EXPECT_EQ(refusal(repeated("\"a\":0,", 1'500'000, "{", "\"a\":0}")),
            "holds too many values for its size");
  // A vocabulary of 300,000 tokens is not too much.
  std::string vocabulary = "{";
  for (int i = 0; i < 300'000; ++i) {
    vocabulary += "\"token" + std::to_string(i) + "\":" + std::to_string(i) + ",";
  }
  vocabulary.back() = '}';
  EXPECT_TRUE(read_json(vocabulary));
}

}  // namespace
}  // namespace nodezero::formats
