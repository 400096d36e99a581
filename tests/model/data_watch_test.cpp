// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/data_watch.hpp"

#include <fstream>

#include <gtest/gtest.h>

#include "model/text/corpus.hpp"
#include "model/text/joined_files.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

/// A corpus of one large and one small file.
class DataWatchTest : public testing::Test {
 protected:
  DataWatchTest() {
    auto corpus = open_corpus(std::vector<fs::path>{large_, small_}, CorpusOptions());
    EXPECT_TRUE(corpus);
    watch_.emplace(corpus->used);
    tokens_ = corpus->tokens;
  }

  /// Changes a file in place, and its time even where clocks are coarse.
  static void write_into(const fs::path& path, std::streamoff offset, std::string_view text) {
    std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
    file.seekp(offset).write(text.data(), static_cast<std::streamsize>(text.size()));
    file.close();
    fs::last_write_time(path, fs::last_write_time(path) + std::chrono::seconds(++changes_));
  }

  std::vector<std::string> remarks() {
    const auto result = watch_->look();
    EXPECT_TRUE(result) << result.error().message;
    return result.value_or(std::vector<std::string>());
  }

  static inline int changes_ = 0;
  const TemporaryFolder folder_;
  const std::string content_ = std::string(JoinedFiles::stays_open_bytes + 7, 'x');
  const fs::path large_ = folder_.write("large", content_);
  const fs::path small_ = folder_.write("small", "some text");
  std::optional<DataWatch> watch_;
  std::shared_ptr<const TokenSource> tokens_;
};

TEST_F(DataWatchTest, SaysNothingOfFilesThatStay) {
  EXPECT_TRUE(remarks().empty());
  EXPECT_TRUE(remarks().empty());
}

TEST_F(DataWatchTest, FailsIfUsedBytesBecomeOthers) {
  write_into(large_, 1000, "y");
  const auto result = watch_->look();
  ASSERT_FALSE(result);
  EXPECT_EQ(result.error().code, ErrorCode::malformed);
  EXPECT_TRUE(result.error().message.starts_with(large_.string())) << result.error().message;
}

TEST_F(DataWatchTest, FailsIfAFileIsCutShort) {
  fs::resize_file(large_, 1000);
  const auto result = watch_->look();
  ASSERT_FALSE(result);
  EXPECT_TRUE(result.error().message.starts_with(large_.string())) << result.error().message;
}

TEST_F(DataWatchTest, GoesOnIfAFileIsAppendedToOrWrittenTheSame) {
  write_into(large_, static_cast<std::streamoff>(content_.size()), "more");
  EXPECT_EQ(remarks().size(), 1u);
  EXPECT_TRUE(remarks().empty());
  write_into(large_, 1000, "x");
  EXPECT_EQ(remarks().size(), 1u);
  EXPECT_TRUE(remarks().empty());
}

TEST_F(DataWatchTest, GoesOnWithFilesThatAreReplacedOrRemoved) {
  fs::remove(large_);
  folder_.write("large", std::string(content_.size(), 'z'));
  fs::remove(small_);
  const auto lines = remarks();
  ASSERT_EQ(lines.size(), 2u);
  EXPECT_NE(lines[0].find("replaced"), std::string::npos) << lines[0];
  EXPECT_NE(lines[1].find("removed"), std::string::npos) << lines[1];
  EXPECT_TRUE(remarks().empty());
  std::vector<std::int32_t> ids(1);
  tokens_->read(500, ids);
  EXPECT_EQ(ids[0], 'x');
}

}  // namespace
}  // namespace nodezero::model
