// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/text_stream.hpp"

#include <memory>

#include <gtest/gtest.h>

#include "apps/nodezero/common.hpp"
#include "formats/printable_text.hpp"

namespace nodezero::apps {
namespace {

/// A file that keeps what is written to it.
class Capture {
 public:
  Capture() : file_(open_memstream(&data_, &size_)) {}
  ~Capture() {
    std::fclose(file_);
    std::free(data_);
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  std::FILE* file() { return file_; }
  std::string text() {
    std::fflush(file_);
    return {data_, size_};
  }

 private:
  char* data_ = nullptr;
  std::size_t size_ = 0;
  std::FILE* file_;
};

TEST(TextStream, HandsBytesToAFileAsTheyAre) {
  Capture capture;
  TextStream stream(capture.file(), false);
  stream.write("a\xC3");
  EXPECT_EQ(capture.text(), "a");  // whoever reads along shows no half character
  stream.write("\xFF\x1B");
  stream.finish();
  EXPECT_EQ(capture.text(), "a\xC3\xFF\x1B");
}

TEST(TextStream, ShowsACharacterOnATerminalWhenItIsWhole) {
  Capture capture;
  TextStream stream(capture.file(), true);
  for (const char byte : std::string("€")) {
    EXPECT_EQ(capture.text(), "");
    stream.write({&byte, 1});
  }
  EXPECT_EQ(capture.text(), "€");
  stream.finish();
  EXPECT_EQ(capture.text(), "€\n");
}

TEST(TextStream, ShowsNothingOnATerminalThatItCouldObey) {
  Capture capture;
  TextStream stream(capture.file(), true);
  stream.write("a\x1B[2J");
  stream.write("\xF0\x9F");
  stream.finish();
  EXPECT_EQ(capture.text(), "a\uFFFD[2J\uFFFD\uFFFD\n");
}

TEST(TextStream, RefusesAFullDisk) {
  std::unique_ptr<std::FILE, int (*)(std::FILE*)> full(std::fopen("/dev/full", "w"), std::fclose);
  ASSERT_NE(full, nullptr);
  TextStream stream(full.get(), false);
  EXPECT_THROW(stream.write("a"), CommandError);
}

TEST(TextStream, KnowsHowManyBytesAnUnfinishedCharacterHas) {
  EXPECT_EQ(formats::unfinished_character(""), 0u);
  EXPECT_EQ(formats::unfinished_character("a"), 0u);
  EXPECT_EQ(formats::unfinished_character("é"), 0u);
  EXPECT_EQ(formats::unfinished_character("a\xC3"), 1u);
  EXPECT_EQ(formats::unfinished_character("\xE2\x82"), 2u);
  EXPECT_EQ(formats::unfinished_character("\xF0\x9F\x98"), 3u);
  EXPECT_EQ(formats::unfinished_character("\xF0\x9F\x98\x80"), 0u);
  EXPECT_EQ(formats::unfinished_character("\x80\x80\x80\x80"), 0u);
}

}  // namespace
}  // namespace nodezero::apps
