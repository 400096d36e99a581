// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/file_kinds.hpp"

#include <zlib.h>
#include <zstd.h>

#include <gtest/gtest.h>

#include "model/text/corpus.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

using namespace std::string_view_literals;
namespace fs = std::filesystem;

std::string gzip(std::string_view text) {
  z_stream stream{};
  deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY);
  std::string packed(deflateBound(&stream, text.size()) + 64, '\0');
  stream.next_in = reinterpret_cast<Bytef*>(const_cast<char*>(text.data()));
  stream.avail_in = static_cast<uInt>(text.size());
  stream.next_out = reinterpret_cast<Bytef*>(packed.data());
  stream.avail_out = static_cast<uInt>(packed.size());
  deflate(&stream, Z_FINISH);
  packed.resize(stream.total_out);
  deflateEnd(&stream);
  return packed;
}

std::string zstd(std::string_view text) {
  std::string packed(ZSTD_compressBound(text.size()), '\0');
  packed.resize(ZSTD_compress(packed.data(), packed.size(), text.data(), text.size(), 3));
  return packed;
}

/// Longer than one block, and not all the same.
std::string long_text() {
  std::string text;
  for (int i = 0; text.size() < 3'000'000; ++i) {
    text += std::to_string(i) + " words\n";
  }
  return text;
}

Result<std::string> read_as_text(const fs::path& path, bool binary = false,
                                 Tokenizer::Kind kind = Tokenizer::Kind::bytes) {
  const auto corpus = open_corpus(std::vector{path}, {.kind = kind, .binary = binary});
  if (!corpus) {
    return tl::unexpected(corpus.error());
  }
  std::vector<std::int32_t> ids(corpus->tokens->size());
  corpus->tokens->read(0, ids);
  return corpus->tokenizer.decode(ids);
}

TEST(FileKinds, TakesTextInAnyEncodingAsText) {
  EXPECT_EQ(why_no_text("plain\ntext"), "");
  EXPECT_EQ(why_no_text("caf\xE9 in Latin-1"), "");
  EXPECT_EQ(why_no_text("one NUL\0 is an accident"sv), "");
  EXPECT_EQ(why_no_text("RIFF and ID3 may begin a text"), "");
  EXPECT_EQ(why_no_text(""), "");
}

TEST(FileKinds, NamesWhatIsNoText) {
  EXPECT_NE(why_no_text("%PDF-1.7\n").find("PDF"), std::string::npos);
  EXPECT_NE(why_no_text("version https://git-lfs.github.com/spec/v1\noid x").find("git lfs pull"),
            std::string::npos);
  EXPECT_NE(why_no_text("\x89PNG\r\n\x1A\n"sv).find("picture"), std::string::npos);
  EXPECT_NE(why_no_text("PK\x03\x04\0\0"sv).find("unpack"), std::string::npos);
  EXPECT_NE(why_no_text("\xFF\xFEh\0i\0"sv).find("iconv"), std::string::npos);
  EXPECT_NE(why_no_text("h\0e\0l\0l\0o\0"sv).find("iconv"), std::string::npos);
  EXPECT_NE(why_no_text("\0h\0e\0l\0l\0o"sv).find("iconv"), std::string::npos);
  EXPECT_EQ(why_no_text("ab\0\0cdefgh"sv), "a binary file");
}

TEST(OpenText, RefusesBinaryFilesUnlessTheyAreAskedFor) {
  const TemporaryFolder folder;
  const auto path = folder.write("data", "ab\0\0cdefgh"sv);
  const auto refused = read_as_text(path);
  ASSERT_FALSE(refused);
  EXPECT_EQ(refused.error().code, ErrorCode::malformed);
  EXPECT_EQ(refused.error().message,
            path.string() + ": a binary file; give 'binary' to train on its bytes as they are");
  EXPECT_EQ(read_as_text(path, true), "ab\0\0cdefgh"sv);
}

TEST(OpenText, UnpacksGzipAndZstd) {
  const TemporaryFolder folder;
  const auto text = long_text();
  for (const auto& packed : {gzip(text), zstd(text), gzip(text.substr(0, 5)) + gzip(text.substr(5)),
                             zstd(text.substr(0, 5)) + zstd(text.substr(5))}) {
    const auto path = folder.write("text", packed);
    EXPECT_TRUE(read_as_text(path) == text);
    EXPECT_TRUE(read_as_text(path, false, Tokenizer::Kind::chars) == text);
    EXPECT_TRUE(read_as_text(path, true) == packed);
  }
}

TEST(OpenText, RefusesPackedTextThatIsDamagedOrCutShort) {
  const TemporaryFolder folder;
  const auto expect_refusal = [&](std::string_view packed) {
    const auto path = folder.write("text", packed);
    const auto refused = read_as_text(path);
    ASSERT_FALSE(refused);
    EXPECT_NE(refused.error().message.find(path.string() + ": damaged"), std::string::npos)
        << refused.error().message;
  };
  auto packed = gzip(long_text());
  expect_refusal(std::string_view(packed).substr(0, packed.size() / 2));
  packed[packed.size() / 2] = static_cast<char>(packed[packed.size() / 2] ^ 0x55);
  expect_refusal(packed);
  packed = zstd(long_text());
  expect_refusal(std::string_view(packed).substr(0, packed.size() / 2));
}

}  // namespace
}  // namespace nodezero::model
