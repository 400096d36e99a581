// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/atomic_file.hpp"

#include <gtest/gtest.h>

#include "model/files/file_writer.hpp"
#include "tests/model/support/file_size_limit.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {
namespace {

namespace fs = std::filesystem;

TEST(WriteFileAtomically, WritesAndReplaces) {
  const TemporaryFolder folder;
  const auto path = folder.path() / "file";
  for (const std::string& content :
       {std::string("first"), std::string(3'000'000, 'x'), std::string(), std::string("a\0b", 3)}) {
    ASSERT_TRUE(write_file_atomically(path, content));
    EXPECT_EQ(read_file(path), content);
    EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
  }
}

TEST(WriteFileAtomically, KeepsTheOldFileWhenSpaceRunsOut) {
  const TemporaryFolder folder;
  const auto path = folder.write("file", "old");
  const FileSizeLimit limit(100'000);
  const auto result = write_file_atomically(path, std::string(1'000'000, 'x'));
  EXPECT_NE(message_of(result).find(path.string() + ": no space"), std::string::npos)
      << message_of(result);
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(WriteFileAtomically, LeavesNothingBehindWhenRenamingFails) {
  const TemporaryFolder folder;
  folder.write("file/inside", "a folder cannot be replaced by a file");
  const auto result = write_file_atomically(folder.path() / "file", "x");
  EXPECT_EQ(result.error().code, ErrorCode::io);
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(WriteFileAtomically, SaysWhichFolderIsMissing) {
  const TemporaryFolder folder;
  const auto result = write_file_atomically(folder.path() / "missing/file", "x");
  EXPECT_NE(message_of(result).find("missing/file"), std::string::npos);
  EXPECT_EQ(result.error().code, ErrorCode::io);
}

TEST(ReplaceFileAtomically, LeavesNothingBehindWhenTheWriterFails) {
  const TemporaryFolder folder;
  const auto path = folder.write("file", "old");
  const auto result = replace_file_atomically(path, [](const fs::path& temporary) {
    std::ofstream(temporary) << "half";
    return Result<void>(fail(ErrorCode::io, "no more"));
  });
  EXPECT_EQ(result.error().message, "no more");
  EXPECT_EQ(content_of(path), "old");
  EXPECT_EQ(names_in(folder.path()), std::vector<std::string>{"file"});
}

TEST(FileWriter, ReportsAFullDevice) {
  auto writer = FileWriter::create("/dev/full");
  ASSERT_TRUE(writer);
  ASSERT_TRUE(writer->append("small pieces are gathered, so this one is not written yet"));
  const auto finished = writer->finish();
  EXPECT_EQ(finished.error().code, ErrorCode::io);
  EXPECT_TRUE(fs::exists("/dev/full"));
}

TEST(FileWriter, RemovesAFileThatIsNotFinished) {
  const TemporaryFolder folder;
  {
    auto writer = FileWriter::create(folder.path() / "file");
    ASSERT_TRUE(writer->append(std::string(1'000'000, 'x')));
    auto moved = std::move(*writer);
    EXPECT_EQ(names_in(folder.path()).size(), 1u);
  }
  EXPECT_TRUE(names_in(folder.path()).empty());
}

TEST(ReadFile, SaysWhatIsWrong) {
  const TemporaryFolder folder;
  EXPECT_EQ(read_file(folder.path() / "missing").error().code, ErrorCode::not_found);
  EXPECT_EQ(read_file(folder.path()).error().code, ErrorCode::io);
}

TEST(CreateFolder, MakesParentsAndRefusesFiles) {
  const TemporaryFolder folder;
  const auto deep = folder.path() / "a/b/c";
  EXPECT_TRUE(create_folder(deep));
  EXPECT_TRUE(create_folder(deep));
  EXPECT_TRUE(fs::is_directory(deep));
  EXPECT_FALSE(create_folder(folder.write("file", "x")));
  EXPECT_FALSE(create_folder(folder.path() / "file/b"));
}

}  // namespace
}  // namespace nodezero::model
