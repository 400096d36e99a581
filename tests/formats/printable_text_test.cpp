// SPDX-License-Identifier: BSD-3-Clause
#include "formats/printable_text.hpp"

#include <gtest/gtest.h>

namespace nodezero::formats {
namespace {

TEST(PrintableText, DisarmsControlCharactersAndBrokenBytes) {
  EXPECT_EQ(printable("plain\ttext\n"), "plain\ttext\n");
  EXPECT_EQ(printable("a\r\nb"), "a\nb");
  EXPECT_EQ(printable("\x1b[2J"), "\xEF\xBF\xBD[2J");
  EXPECT_EQ(printable("\xC3\xA4"), "\xC3\xA4");
  EXPECT_EQ(printable("\xC3"), "\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xC2\x9B"), "\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xED\xA0\x80"), "\xEF\xBF\xBD\xEF\xBF\xBD\xEF\xBF\xBD");
  EXPECT_EQ(printable("\xF0\x9F\x8C\x8D"), "\xF0\x9F\x8C\x8D");
}

TEST(PrintableText, ShowsWhichBytesAMessageHas) {
  EXPECT_EQ(escaped("a\tb\nc\r\nd"), "a\tb\nc\nd");
  EXPECT_EQ(escaped("\x1b[31m\x07\x7F"), "\\x1B[31m\\x07\\x7F");
  EXPECT_EQ(escaped("caf\xE9 caf\xC3\xA9"), "caf\\xE9 caf\xC3\xA9");
  EXPECT_EQ(escaped("\xC2\x9B"), "\\xC2\\x9B");
  EXPECT_EQ(escaped("\xE2\x80\xAE"
                    "abc"),
            "\\xE2\\x80\\xAE"
            "abc")
      << "right to left";
  EXPECT_EQ(escaped("\xE2\x80\x94"), "\xE2\x80\x94") << "a dash";
}

TEST(PrintableText, ShowsANameOnOneLine) {
  EXPECT_EQ(escaped_name("a\tb\nc\r\nd"), "a\\x09b\\x0Ac\\x0D\\x0Ad");
  EXPECT_EQ(escaped_name("worker"), "worker");
  EXPECT_EQ(escaped_name(std::string_view("\0", 1)), "\\x00");
}

}  // namespace
}  // namespace nodezero::formats
