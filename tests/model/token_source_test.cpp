// SPDX-License-Identifier: BSD-3-Clause

#include <gtest/gtest.h>

#include "model/text/corpus.hpp"
#include "model/text/joined_files.hpp"
#include "model/text/utf8_text.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;
using Kind = Tokenizer::Kind;

std::vector<std::int32_t> all_of(const TokenSource& source) {
  std::vector<std::int32_t> ids(source.size());
  source.read(0, ids);
  return ids;
}

std::string ids_as_file(const std::vector<std::uint16_t>& ids) {
  std::string bytes;
  for (const std::uint16_t id : ids) {
    bytes.push_back(static_cast<char>(id & 0xFF));
    bytes.push_back(static_cast<char>(id >> 8));
  }
  return bytes;
}

Result<std::vector<fs::path>> list(const std::vector<fs::path>& paths) {
  return list_files(paths).map([](FileList&& list) { return std::move(list.files); });
}

Result<Corpus> open(const std::vector<fs::path>& files, Kind kind,
                    const Tokenizer* vocabulary_of = nullptr, std::int64_t bin_vocabulary = 0) {
  return open_corpus(
      files,
      {.kind = kind, .vocabulary_of = vocabulary_of, .vocabulary = bin_vocabulary, .binary = true});
}

TEST(ListFiles, GivesPathOrderByBytes) {
  const TemporaryFolder folder;
  std::vector<fs::path> expected;
  for (const char* name : {"B", "a", "a-b", "a/b", "a.txt", "\xC3\xA9"}) {
    // "a" is a folder here.
    if (std::string_view(name) != "a") {
      expected.push_back(folder.write(name, "x"));
    }
  }
  std::sort(expected.begin(), expected.end(),
            [](const auto& l, const auto& r) { return l.native() < r.native(); });
  EXPECT_EQ(list({folder.path()}), expected);
}

// Row B12: lock files were trained on, and one file was loaded seven times.
TEST(ListFiles, PassesOverHiddenLockAndEmptyFiles) {
  const TemporaryFolder folder;
  const auto real = folder.write("text.txt", "x");
  for (const char* name : {".hidden", ".lock", "text.txt.lock", "text.txt.lock.lock", ".git/x"}) {
    folder.write(name, "x");
  }
  folder.write("empty", "");
  EXPECT_EQ(list({folder.path()}), std::vector{real});
}

TEST(ListFiles, GivesEachRealFileOnce) {
  const TemporaryFolder folder;
  const auto real = folder.write("data/b.txt", "x");
  fs::create_symlink(real, folder.path() / "data/a.txt");
  fs::create_hard_link(real, folder.path() / "data/c.txt");
  fs::create_directory_symlink(folder.path() / "data", folder.path() / "data/loop");
  fs::create_directory_symlink(folder.path() / "data", folder.path() / "again");
  EXPECT_EQ(list({folder.path() / "data", real, folder.path() / "again",
                  folder.path() / "data/a.txt", folder.path() / "data/../data/b.txt"}),
            std::vector{real});
}

TEST(ListFiles, DoesNotDependOnTheOrderOfPaths) {
  const TemporaryFolder folder;
  const auto a = folder.write("a", "x");
  const auto b = folder.write("b", "x");
  EXPECT_EQ(list({b, a}), (std::vector{a, b}));
  EXPECT_EQ(list({a, b}), (std::vector{a, b}));
}

TEST(ListFiles, SaysWhatIsWrongInOneLine) {
  const TemporaryFolder folder;
  const auto empty = folder.write("empty.txt", "");
  fs::create_directory(folder.path() / "hollow");
  folder.write("hollow/.hidden", "x");
  fs::create_directory(folder.path() / "dangling");
  fs::create_symlink("nowhere", folder.path() / "dangling/link");
  const struct {
    std::vector<fs::path> paths;
    ErrorCode code;
    const char* named;
  } cases[] = {
      {{}, ErrorCode::invalid_argument, "no data to read"},
      {{folder.path() / "missing"}, ErrorCode::not_found, "missing"},
      {{empty}, ErrorCode::malformed, "empty.txt"},
      {{folder.path() / "hollow"}, ErrorCode::not_found, "hollow"},
      {{folder.path() / "dangling"}, ErrorCode::not_found, "dangling/link"},
      {{"/dev/null"}, ErrorCode::io, "/dev/null"},
  };
  for (const auto& [paths, code, named] : cases) {
    const auto result = list(paths);
    EXPECT_NE(message_of(result).find(named), std::string::npos) << message_of(result);
    EXPECT_EQ(result.error().code, code) << message_of(result);
  }
}

TEST(OpenCorpus, HandlesAHundredThousandFiles) {
  const TemporaryFolder folder;
  constexpr int files = 100'000;
  for (int i = 0; i < 100; ++i) {
    fs::create_directory(folder.path() / std::to_string(i));
  }
  for (int i = 0; i < files; ++i) {
    const auto path = folder.path() / std::to_string(i % 100) / std::to_string(i);
    std::ofstream(path) << i % 10;
  }
  const auto listed = list({folder.path()});
  ASSERT_TRUE(listed);
  ASSERT_EQ(listed->size(), files);
  const auto corpus = open(*listed, Kind::bytes);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(corpus->tokens->size(), files);
  const auto chars = open(*listed, Kind::chars);
  ASSERT_TRUE(chars) << chars.error().message;
  EXPECT_EQ(chars->tokenizer.vocabulary(), 10);
}

// Row B12: of several files only the last was kept. The count is taken from the file system.
TEST(OpenCorpus, HoldsEveryByteOfEveryFile) {
  const TemporaryFolder folder;
  // Small ones side by side, and large ones, which stay open, between them.
  const std::size_t large = JoinedFiles::stays_open_bytes;
  std::string expected;
  const std::size_t sizes[] = {1, 3, large, large + 1, 2, large - 1, 5};
  for (std::size_t i = 0; i < std::size(sizes); ++i) {
    std::string content(sizes[i], '\0');
    for (std::size_t k = 0; k < content.size(); ++k) {
      content[k] = static_cast<char>((k * 131 + i * 17) >> 3);
    }
    folder.write(std::to_string(i), content);
    expected += content;
  }
  const auto corpus = open(*list({folder.path()}), Kind::bytes);
  ASSERT_TRUE(corpus);
  std::uintmax_t counted = 0;
  for (const auto& entry : fs::recursive_directory_iterator(folder.path())) {
    counted += entry.file_size();
  }
  EXPECT_EQ(corpus->tokens->size(), counted);
  EXPECT_EQ(corpus->bytes, counted);
  EXPECT_EQ(corpus->tokenizer.decode(all_of(*corpus->tokens)), expected);
  // Reads over every border of two files.
  std::uint64_t border = 0;
  for (const std::size_t size : sizes) {
    border += size;
    const std::uint64_t begin = border < 4 ? 0 : border - 4;
    std::vector<std::int32_t> ids(std::min<std::uint64_t>(8, counted - begin));
    corpus->tokens->read(begin, ids);
    EXPECT_EQ(corpus->tokenizer.decode(ids), expected.substr(begin, ids.size()));
  }
  std::vector<std::int32_t> two(2);
  EXPECT_THROW(corpus->tokens->read(counted - 1, two), std::out_of_range);
  EXPECT_THROW(corpus->tokens->read(~std::uint64_t{0}, two), std::out_of_range);
}

TEST(OpenCorpus, GivesCharactersIdsInCodePointOrder) {
  const TemporaryFolder folder;
  const std::string first = "zebra \xF0\x9F\x98\x80 ";
  const std::string second = "\xC3\xA9tude\n";
  folder.write("1", first);
  folder.write("2", second);
  const auto corpus = open(*list({folder.path()}), Kind::chars);
  ASSERT_TRUE(corpus) << corpus.error().message;
  const auto alphabet = corpus->tokenizer.alphabet();
  EXPECT_TRUE(std::ranges::equal(alphabet, std::u32string(U"\n abdertuz\u00E9\U0001F600")));
  EXPECT_EQ(corpus->tokenizer.decode(all_of(*corpus->tokens)), first + second);
  EXPECT_EQ(corpus->bytes, first.size() + second.size());
}

TEST(OpenCorpus, DecodesCharactersAtEveryAlignment) {
  // The fast way takes eight ASCII characters at a time; shift the others through all places.
  const TemporaryFolder folder;
  std::string text;
  for (int gap = 0; gap < 40; ++gap) {
    text += std::string(static_cast<std::size_t>(gap), static_cast<char>('a' + gap % 26));
    append_utf8(static_cast<char32_t>(0x70 + gap * 997), text);
  }
  const auto corpus = open({folder.write("text", text)}, Kind::chars);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(corpus->tokenizer.decode(all_of(*corpus->tokens)), text);
  EXPECT_EQ(all_of(*corpus->tokens), *corpus->tokenizer.encode(text));
}

TEST(OpenCorpus, UsesAnotherModelsAlphabet) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::chars({U'b', U'a'});
  const auto corpus = open({folder.write("good", "abba")}, Kind::bytes, &tokenizer);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(all_of(*corpus->tokens), (std::vector<std::int32_t>{1, 0, 0, 1}));
  const auto lacking = open({folder.write("lacking", "abbaabbac")}, Kind::chars, &tokenizer);
  EXPECT_NE(message_of(lacking).find("lacking: byte 8: 'c'"), std::string::npos)
      << message_of(lacking);
  EXPECT_EQ(lacking.error().code, ErrorCode::malformed);
}

TEST(OpenCorpus, NamesFileAndByteThatAreNotUtf8) {
  const TemporaryFolder folder;
  folder.write("1", "fine");
  folder.write("2", "0123456789\xFF");
  const auto result = open(*list({folder.path()}), Kind::chars);
  EXPECT_NE(message_of(result).find("/2: byte 10"), std::string::npos);
  EXPECT_NE(message_of(result).find("the bytes tokenizer"), std::string::npos);
  EXPECT_EQ(result.error().code, ErrorCode::malformed);
  EXPECT_NE(
      message_of(open({folder.write("tail", "abc\x80\x80")}, Kind::chars)).find("byte 3: is not"),
      std::string::npos);
  // A character cannot be spread over two files.
  EXPECT_FALSE(open({folder.write("3", "\xC3"), folder.write("4", "\xA9")}, Kind::chars));
}

TEST(OpenCorpus, Takes65535CharactersAndNoMore) {
  const TemporaryFolder folder;
  std::string text;
  for (char32_t c = 0; c < 65'535; ++c) {
    append_utf8(U'\U00010000' + c, text);
  }
  const auto corpus = open({folder.write("most", text)}, Kind::chars);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(all_of(*corpus->tokens).back(), 65'534);
  const auto more = open({folder.write("more", text + "a")}, Kind::chars);
  EXPECT_NE(message_of(more).find("the bytes tokenizer"), std::string::npos);
  EXPECT_EQ(more.error().code, ErrorCode::malformed);
}

// Row D13: the vocabulary of a corpus of this size took 5 to 15 minutes; less than one now.
TEST(OpenCorpus, TokenisesSeventyThreeMegabytes) {
  const TemporaryFolder folder;
  std::string text;
  text.reserve(73'000'000);
  for (std::uint32_t i = 0; text.size() < 73'000'000; ++i) {
    append_utf8(i % 10 == 0 ? 0xA0 + i % 5000 : U'a' + i % 26, text);
  }
  const auto path = folder.write("large", text);
  const auto corpus = open({path}, Kind::chars);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(corpus->tokenizer.vocabulary(), 26 + 500);
}

TEST(OpenCorpus, ReadsTokenFiles) {
  const TemporaryFolder folder;
  folder.write("a.bin", ids_as_file({1, 500}));
  folder.write("b.bin", ids_as_file({65'535, 0}));
  const auto corpus = open(*list({folder.path()}), Kind::bytes);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(all_of(*corpus->tokens), (std::vector<std::int32_t>{1, 500, 65'535, 0}));
  EXPECT_EQ(corpus->tokenizer.kind(), Kind::none);
  EXPECT_EQ(corpus->tokenizer.vocabulary(), 65'536);
  EXPECT_EQ(corpus->bytes, 8u);
}

TEST(OpenCorpus, ReadsLargeTokenFiles) {
  const TemporaryFolder folder;
  std::vector<std::uint16_t> ids(JoinedFiles::stays_open_bytes);
  for (std::size_t i = 0; i < ids.size(); ++i) {
    ids[i] = static_cast<std::uint16_t>(i * 7919);
  }
  const auto corpus = open({folder.write("a.bin", ids_as_file(ids))}, Kind::none, nullptr, 70'000);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(corpus->tokenizer.vocabulary(), 70'000);
  EXPECT_TRUE(std::ranges::equal(all_of(*corpus->tokens), ids));
}

TEST(OpenCorpus, RefusesWrongTokenFiles) {
  const TemporaryFolder folder;
  const auto odd = folder.write("odd.bin", "abc");
  const auto outside = folder.write("outside.bin", ids_as_file({1, 2, 300, 4}));
  const auto text = folder.write("text.txt", "abc");
  EXPECT_NE(message_of(open({odd}, Kind::none)).find("odd.bin: has 3 bytes"), std::string::npos);
  const auto result = open({outside}, Kind::none, nullptr, 300);
  EXPECT_NE(message_of(result).find("outside.bin: token 2 has the id 300"), std::string::npos);
  EXPECT_EQ(result.error().code, ErrorCode::malformed);
  EXPECT_NE(message_of(open({outside, text}, Kind::none)).find("mixed"), std::string::npos);
  EXPECT_FALSE(open({text}, Kind::none));
  EXPECT_FALSE(open({}, Kind::bytes));
  EXPECT_FALSE(open({outside}, Kind::none, nullptr, -1));
  const auto model = Tokenizer::none(300);
  EXPECT_FALSE(open({outside}, Kind::none, &model));
}

TEST(OpenCorpus, SaysWhichFileVanishedOrShrank) {
  const TemporaryFolder folder;
  const auto path = folder.write("text", "abc");
  const auto listed = *list({folder.path()});
  folder.write("text", "");
  EXPECT_NE(message_of(open(listed, Kind::bytes)).find("text: empty"), std::string::npos);
  EXPECT_NE(message_of(open(listed, Kind::chars)).find("text: empty"), std::string::npos);
  fs::remove(path);
  EXPECT_EQ(open(listed, Kind::bytes).error().code, ErrorCode::not_found);
  EXPECT_EQ(open(listed, Kind::chars).error().code, ErrorCode::not_found);
}

TEST(OpenCorpus, KeepsLargeFilesOpenAndNoOthers) {
  const TemporaryFolder folder;
  const auto open_files = [] { return names_in("/proc/self/fd").size(); };
  const auto before = open_files();
  const std::string large(JoinedFiles::stays_open_bytes, 'x');
  {
    const auto corpus = open({folder.write("a", large), folder.write("b", "y")}, Kind::bytes);
    ASSERT_TRUE(corpus);
    EXPECT_EQ(open_files(), before + 1);
  }
  EXPECT_EQ(open_files(), before);
}

// A mapping of a file that is shortened ends the process at the next read.
TEST(OpenCorpus, SaysThatAFileHasBecomeShorter) {
  const TemporaryFolder folder;
  const auto path = folder.write("a", std::string(JoinedFiles::stays_open_bytes, 'x'));
  const auto corpus = open({path}, Kind::bytes);
  ASSERT_TRUE(corpus);
  fs::resize_file(path, 10);
  std::vector<std::int32_t> ids(8);
  corpus->tokens->read(0, ids);
  try {
    corpus->tokens->read(5, ids);
    FAIL() << "read behind the end of a file";
  } catch (const std::runtime_error& error) {
    EXPECT_NE(std::string(error.what()).find(path.string()), std::string::npos) << error.what();
  }
}

// Characters whose bytes lie on both sides of the border between two blocks.
TEST(OpenCorpus, DecodesCharactersAcrossBlocks) {
  const TemporaryFolder folder;
  for (const std::string_view character : {"\xC3\xA9", "\xE2\x82\xAC", "\xF0\x9F\x98\x80"}) {
    for (std::size_t before = 0; before < character.size(); ++before) {
      std::string text(InputFile::block_bytes - before, 'a');
      text.append(character).append("b");
      const auto corpus = open({folder.write("text", text)}, Kind::chars);
      ASSERT_TRUE(corpus) << corpus.error().message;
      EXPECT_EQ(corpus->tokens->size(), text.size() - character.size() + 1);
      EXPECT_EQ(corpus->tokenizer.decode(all_of(*corpus->tokens)), text);
    }
  }
  std::string cut(InputFile::block_bytes - 1, 'a');
  cut.append("\xE2(");
  const auto refused = open({folder.write("text", cut)}, Kind::chars);
  EXPECT_NE(message_of(refused).find(std::to_string(cut.size() - 2)), std::string::npos)
      << message_of(refused);
}

}  // namespace
}  // namespace nodezero::model
