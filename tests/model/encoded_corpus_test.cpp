// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/encoded_corpus.hpp"

#include <gtest/gtest.h>

#include "model/bpe/byte_pairs.hpp"
#include "tests/model/support/byte_pairs.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

std::vector<std::int32_t> ids_of(const Corpus& corpus) {
  std::vector<std::int32_t> ids(corpus.tokens->size());
  corpus.tokens->read(0, ids);
  return ids;
}

Result<Corpus> open(const std::vector<fs::path>& files, const Tokenizer& tokenizer,
                    const fs::path& folder = {}) {
  return open_corpus(files, {.vocabulary_of = &tokenizer, .encoded = folder});
}

TEST(EncodedCorpus, HasTheEndTokenBetweenFiles) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::bpe(small_byte_pairs());
  const std::vector files{folder.write("a.txt", "The first."), folder.write("b.txt", "one")};
  const auto corpus = open(files, tokenizer);
  ASSERT_TRUE(corpus) << corpus.error().message;
  auto expected = *tokenizer.encode("The first.");
  expected.push_back(0);
  const auto second = *tokenizer.encode("one");
  expected.insert(expected.end(), second.begin(), second.end());
  EXPECT_EQ(ids_of(*corpus), expected);
  EXPECT_EQ(corpus->bytes, 13u);
  EXPECT_EQ(corpus->vocabulary, 768);
  EXPECT_THROW(corpus->tokens->read(expected.size(), std::span(expected).first(1)),
               std::out_of_range);
}

TEST(EncodedCorpus, IsTheSameWhereverTheBlocksOfAFileEnd) {
  const TemporaryFolder folder;
  const auto tokenizer = Tokenizer::bpe(small_byte_pairs());
  std::string text(InputFile::block_bytes - 7, 'x');  // a piece that is not at its end
  for (int i = 0; i < 300'000; ++i) {
    text += i % 3 == 0 ? " word\xC3\xA9" : i % 3 == 1 ? "'re \n" : "\xE3\x80\x80 12";
  }
  const auto corpus = open({folder.write("a.txt", text)}, tokenizer);
  ASSERT_TRUE(corpus) << corpus.error().message;
  EXPECT_EQ(ids_of(*corpus), *tokenizer.encode(text));
}

TEST(EncodedCorpus, IsKeptForTheNextTime) {
  const TemporaryFolder folder;
  const TemporaryFolder kept;
  const auto tokenizer = Tokenizer::bpe(small_byte_pairs());
  const std::vector files{folder.write("a.txt", "To be, or not to be")};
  const auto first = open(files, tokenizer, kept.path());
  ASSERT_TRUE(first) << first.error().message;
  const auto names = names_in(kept.path());
  ASSERT_EQ(names.size(), 1u);
  EXPECT_EQ(names[0].size(), std::string("tokens-").size() + 64);
  const auto stamp = stamp_of(kept.path() / names[0]);
  const auto second = open(files, tokenizer, kept.path());
  ASSERT_TRUE(second) << second.error().message;
  EXPECT_EQ(ids_of(*second), ids_of(*first));
  EXPECT_EQ(stamp_of(kept.path() / names[0]).value(), stamp.value());
  // Another text or another tokenizer has another name.
  folder.write("a.txt", "To be, or not to see");
  ASSERT_TRUE(open(files, tokenizer, kept.path()));
  ASSERT_TRUE(open(files, Tokenizer::bpe(BytePairTrainer().train(257)), kept.path()));
  EXPECT_EQ(names_in(kept.path()).size(), 3u);
}

TEST(EncodedCorpus, IsMadeAgainWhereTheKeptFileIsDamaged) {
  const TemporaryFolder folder;
  const TemporaryFolder kept;
  const auto tokenizer = Tokenizer::bpe(small_byte_pairs());
  const std::vector files{folder.write("a.txt", "To be, or not to be")};
  const auto expected = ids_of(*open(files, tokenizer, kept.path()));
  const auto path = kept.path() / names_in(kept.path()).front();
  const auto whole = content_of(path);
  auto flipped = whole;
  flipped.back() = static_cast<char>(flipped.back() ^ 1);
  for (const std::string& damaged :
       {std::string(), whole.substr(0, 40), whole.substr(0, whole.size() - 2), flipped}) {
    kept.write(path.filename(), damaged);
    const auto corpus = open(files, tokenizer, kept.path());
    ASSERT_TRUE(corpus) << corpus.error().message;
    EXPECT_EQ(ids_of(*corpus), expected);
    EXPECT_EQ(content_of(path), whole);
  }
}

TEST(EncodedCorpus, TrainsOnTheFirstPartOfAText) {
  const TemporaryFolder folder;
  const std::vector files{folder.write("a.txt", "ab ab ab ab "),
                          folder.write("b.txt", "xy xy xy ")};
  const auto half = train_tokenizer(files, false, 0.5, 300);
  ASSERT_TRUE(half) << half.error().message;
  EXPECT_GE(half->byte_pairs().id_of("ab"), 0);
  EXPECT_LT(half->byte_pairs().id_of("xy"), 0);
  EXPECT_GE(train_tokenizer(files, false, 1.0, 300)->byte_pairs().id_of("xy"), 0);
  EXPECT_EQ(train_tokenizer(files, false, 1.0, 258)->vocabulary(), 258);
}

}  // namespace
}  // namespace nodezero::model
