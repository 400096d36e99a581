// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/token_files.hpp"

#include <cstring>

#include <gtest/gtest.h>

#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

template <class Number>
std::string stored(const std::vector<std::int64_t>& numbers) {
  std::string bytes;
  for (const auto number : numbers) {
    const auto narrow = static_cast<Number>(number);
    bytes.append(reinterpret_cast<const char*>(&narrow), sizeof narrow);
  }
  return bytes;
}

std::string llm_c(std::int32_t magic, std::int32_t version, std::int32_t count) {
  std::string header = stored<std::int32_t>({magic, version, count});
  header.resize(1024);
  return header;
}

/// As numpy.save writes it.
std::string numpy(const std::string& type, const std::string& shape, const std::string& content,
                  const std::string& fortran_order = "False") {
  auto header = "{'descr': '" + type + "', 'fortran_order': " + fortran_order + ", 'shape': (" +
                shape + "), }";
  header.resize((10 + header.size() + 64) / 64 * 64 - 10 - 1, ' ');
  header += '\n';
  return std::string("\x93NUMPY\x01\0", 8) +
         stored<std::uint16_t>({static_cast<std::int64_t>(header.size())}) + header + content;
}

std::vector<std::int64_t> ids_of(const Result<Corpus>& corpus) {
  EXPECT_TRUE(corpus) << corpus.error().message;
  if (!corpus) {
    return {};
  }
  std::vector<std::int32_t> ids(corpus->tokens->size());
  corpus->tokens->read(0, ids);
  return {ids.begin(), ids.end()};
}

class TokenFiles : public testing::Test {
 protected:
  Result<Corpus> open(const std::string& name, const std::string& content,
                      TokenType type = TokenType::automatic, std::int64_t vocabulary = 0) {
    return open_token_files(std::vector{folder_.write(name, content)}, type, vocabulary);
  }
  std::string refusal(const std::string& name, const std::string& content,
                      TokenType type = TokenType::automatic, std::int64_t vocabulary = 0) {
    const auto corpus = open(name, content, type, vocabulary);
    return corpus ? "accepted" : corpus.error().message;
  }

  const TemporaryFolder folder_;
  const std::vector<std::int64_t> ids_{5, 70, 300, 0, 65'535, 1, 2, 9};
  const std::vector<std::int64_t> large_ids_{5, 70'000, 300, 0, 128'255, 1, 2, 9};
};

TEST_F(TokenFiles, ReadsPlainIdsOf16And32Bits) {
  EXPECT_EQ(ids_of(open("a.bin", stored<std::uint16_t>(ids_))), ids_);
  EXPECT_EQ(ids_of(open("a.BIN", stored<std::uint32_t>(large_ids_), TokenType::uint32)),
            large_ids_);
}

TEST_F(TokenFiles, ReadsTheHeadersOfLlmC) {
  EXPECT_EQ(ids_of(open("a.bin", llm_c(20240520, 1, 8) + stored<std::uint16_t>(ids_))), ids_);
  EXPECT_EQ(ids_of(open("a.bin", llm_c(20240801, 7, 8) + stored<std::uint32_t>(large_ids_))),
            large_ids_);
  EXPECT_NE(refusal("a.bin", llm_c(20240520, 1, 9) + stored<std::uint16_t>(ids_)).find("8 follow"),
            std::string::npos);
}

TEST_F(TokenFiles, ReadsArraysOfNumPy) {
  EXPECT_EQ(ids_of(open("a.npy", numpy("<u2", "8,", stored<std::uint16_t>(ids_)))), ids_);
  EXPECT_EQ(ids_of(open("a.npy", numpy("<i4", "2, 4", stored<std::int32_t>(large_ids_)))),
            large_ids_);
  EXPECT_EQ(ids_of(open("a.npy", numpy("<i8", "8,", stored<std::int64_t>(large_ids_)))),
            large_ids_);
  EXPECT_EQ(ids_of(open("a.npy", numpy("|u1", "3,", "abc"))),
            (std::vector<std::int64_t>{'a', 'b', 'c'}));
}

TEST_F(TokenFiles, RefusesArraysThatAreNoIds) {
  const auto ids = stored<std::uint16_t>(ids_);
  EXPECT_NE(refusal("a.npy", numpy("<f4", "4,", ids)).find("whole numbers"), std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy(">u2", "8,", ids)).find("low byte first"), std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<u2", "2, 4", ids, "True")).find("column"), std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<u2", "9,", ids)).find("another number"), std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<u2", "99999999999999999999,", ids)).find("another number"),
            std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<u2", "8,", ids).substr(0, 20)).find("header"),
            std::string::npos);
  EXPECT_NE(refusal("a.npy", std::string("\x93NUMPY\x02\0\xFF\xFF\xFF\xFF", 12)).find("header"),
            std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<i4", "1,", stored<std::int32_t>({-1}))).find("id -1"),
            std::string::npos);
  EXPECT_NE(refusal("a.npy", numpy("<u8", "1,", stored<std::int64_t>({-1}))).find("id -1"),
            std::string::npos);
}

TEST_F(TokenFiles, NoticesIdsOf32BitsThatNobodyHasAnnounced) {
  const auto small = stored<std::uint32_t>({5, 70, 300, 0, 65'535, 1, 2, 9});
  EXPECT_NE(refusal("a.bin", small).find("32 bits"), std::string::npos);
  EXPECT_NE(refusal("a.bin", stored<std::uint32_t>(large_ids_)).find("32 bits"), std::string::npos);
  EXPECT_EQ(ids_of(open("a.bin", small, TokenType::uint16)).size(), 16u);
  // A vocabulary of two is no reason.
  const std::vector<std::int64_t> binary{0, 1, 1, 0, 0, 0, 1, 1, 0, 1, 0, 1, 0, 0, 1, 0};
  EXPECT_EQ(ids_of(open("a.bin", stored<std::uint16_t>(binary))), binary);
}

TEST_F(TokenFiles, RefusesIdsOutsideOfTheVocabulary) {
  const auto place = refusal("a.bin", llm_c(20240520, 1, 8) + stored<std::uint16_t>(ids_),
                             TokenType::automatic, 300);
  EXPECT_NE(place.find("token 2 has the id 300"), std::string::npos) << place;
}

TEST_F(TokenFiles, RefusesFilesThatStoreIdsDifferently) {
  const auto narrow = folder_.write("a.bin", stored<std::uint16_t>(ids_));
  const auto wide = folder_.write("b.npy", numpy("<u4", "8,", stored<std::uint32_t>(large_ids_)));
  const auto mixed = open_token_files(std::vector{narrow, wide}, TokenType::automatic, 0);
  ASSERT_FALSE(mixed);
  EXPECT_NE(mixed.error().message.find("b.npy: stores an id in 32 bits"), std::string::npos)
      << mixed.error().message;
}

}  // namespace
}  // namespace nodezero::model
