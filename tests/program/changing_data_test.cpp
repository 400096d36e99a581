// SPDX-License-Identifier: BSD-3-Clause

// Data that somebody changes while it is trained on.

#include <csignal>
#include <filesystem>
#include <fstream>

#include <gtest/gtest.h>

#include "support/program.hpp"

namespace nodezero::test {
namespace {

namespace fs = std::filesystem;

/// Large enough to stay a file, not to be loaded.
constexpr std::size_t bytes = 1'200'000;

void overwrite(const fs::path& path, std::size_t offset, const std::string& text) {
  std::fstream file(path, std::ios::in | std::ios::out | std::ios::binary);
  file.seekp(static_cast<std::streamoff>(offset))
      .write(text.data(), static_cast<std::streamsize>(text.size()));
}

/// A long run that has saved a checkpoint.
class ChangingData : public testing::Test {
 protected:
  ChangingData() {
    write_text(folder_, "text.txt", bytes);
    old_ = content_of(text_);
    program_.emplace(folder_,
                     tiny_training("run", {"--steps", "3000", "--checkpoint-every", "50"}));
    EXPECT_TRUE(program_->wait_for("saved: run/checkpoints"));
  }

  void expect_failure_and_resume(const Ended& ended) {
    EXPECT_EQ(ended.exit_code, 1) << ended.out;
    EXPECT_NE(ended.err.find("text.txt"), std::string::npos) << ended.err;
    EXPECT_NE(ended.err.find("--resume"), std::string::npos) << ended.err;
    const auto refused = run(folder_, {"train", "--resume", "--out", "run"});
    EXPECT_EQ(refused.exit_code, 2);
    EXPECT_NE(refused.err.find("text.txt"), std::string::npos) << refused.err;
    std::ofstream(text_, std::ios::binary) << old_;
    const auto resumed = run(folder_, {"train", "--resume", "--out", "run"});
    EXPECT_EQ(resumed.exit_code, 0) << resumed.err;
    EXPECT_EQ(digests(folder_ / "run"), undisturbed());
  }

  std::string undisturbed() {
    EXPECT_EQ(run(folder_, tiny_training("whole", {"--steps", "3000"})).exit_code, 0);
    return digests(folder_ / "whole");
  }

  const Folder folder_;
  const fs::path text_ = folder_ / "text.txt";
  std::string old_;
  std::optional<Program> program_;
};

TEST_F(ChangingData, OverwrittenEndsTheRunBeforeAnythingIsSaved) {
  overwrite(text_, 0, std::string(bytes, 'z'));
  expect_failure_and_resume(program_->wait());
}

TEST_F(ChangingData, CutShortEndsTheRunWithALine) {
  fs::resize_file(text_, 100);
  expect_failure_and_resume(program_->wait());
}

TEST_F(ChangingData, AppendedToIsSaidAndChangesNothing) {
  overwrite(text_, bytes, "more");
  const auto ended = program_->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("text.txt: has been written to"), std::string::npos) << ended.out;
  std::ofstream(text_, std::ios::binary) << old_;
  EXPECT_EQ(digests(folder_ / "run"), undisturbed());
}

TEST_F(ChangingData, RemovedIsSaidAndChangesNothing) {
  fs::remove(text_);
  const auto ended = program_->wait();
  EXPECT_EQ(ended.exit_code, 0) << ended.err;
  EXPECT_NE(ended.out.find("text.txt: has been removed"), std::string::npos) << ended.out;
  std::ofstream(text_, std::ios::binary) << old_;
  EXPECT_EQ(digests(folder_ / "run"), undisturbed());
}

}  // namespace
}  // namespace nodezero::test
