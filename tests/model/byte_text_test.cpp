// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/byte_text.hpp"

#include <random>

#include <gtest/gtest.h>

#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

bool is_utf8(std::string_view text) {
  while (!text.empty()) {
    const auto character = decode_utf8(text);
    if (character.bytes == 0) {
      return false;
    }
    text.remove_prefix(character.bytes);
  }
  return true;
}

TEST(ByteText, LeavesTextAlone) {
  EXPECT_EQ(to_utf8_text("plain, café, 😀"), "plain, café, 😀");
}

TEST(ByteText, CarriesBytesThatAreNoText) {
  EXPECT_EQ(to_utf8_text("caf\xE9"), "caf\xEE\xBF\xA9");
  EXPECT_EQ(from_utf8_text("caf\xEE\xBF\xA9"), "caf\xE9");
}

TEST(ByteText, GivesAnyBytesBack) {
  std::mt19937 random(1);
  for (int round = 0; round < 2'000; ++round) {
    std::string bytes(random() % 12, '\0');
    for (char& byte : bytes) {
      // Many bytes of stand-ins, which must not be taken for what they stand for.
      const unsigned char often[] = {0xEE, 0xBE, 0xBF, 0x80, 0xA9};
      byte = static_cast<char>(random() % 2 == 0 ? random() % 256 : often[random() % 5]);
    }
    EXPECT_TRUE(is_utf8(to_utf8_text(bytes)));
    EXPECT_EQ(from_utf8_text(to_utf8_text(bytes)), bytes);
  }
}

}  // namespace
}  // namespace nodezero::model
