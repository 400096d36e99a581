// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <fstream>
#include <iterator>
#include <string>

#include <gtest/gtest.h>

namespace nodezero::runtime::testing {

/// A file of the running test's own, removed at the end.
class TraceFile {
 public:
  TraceFile()
      : path_(std::filesystem::path(::testing::TempDir()) /
              ("nodezero_" +
               std::string(::testing::UnitTest::GetInstance()->current_test_info()->name()) +
               ".nztrace")) {}
  ~TraceFile() { std::filesystem::remove(path_); }
  TraceFile(const TraceFile&) = delete;
  TraceFile& operator=(const TraceFile&) = delete;

  const std::filesystem::path& path() const { return path_; }

  std::string read() const {
    std::ifstream file(path_, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
  }
  void write(const std::string& bytes) const {
    std::ofstream(path_, std::ios::binary | std::ios::trunc) << bytes;
  }

 private:
  std::filesystem::path path_;
};

}  // namespace nodezero::runtime::testing
