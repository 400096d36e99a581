// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "model/files/input_file.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// A file of a corpus. What is in memory cannot change any more; what is read again and again can.
struct UsedFile {
  std::filesystem::path path;
  FileStamp stamp;                                  ///< when it was opened
  std::shared_ptr<const InputFile> file = nullptr;  ///< null: all of it is in memory
  std::uint64_t begin = 0;                          ///< the bytes of `file` that are used
  std::uint64_t end = 0;
  std::string sha256 = {};  ///< of those bytes
};

/// Notices when the files that a run reads change under it, without reading those that do not.
class DataWatch {
 public:
  explicit DataWatch(std::vector<UsedFile> files) : files_(std::move(files)) {}

  /// Looks at size, time and inode of every file, and hashes the used bytes of those that have
  /// changed. Returns one line for each change that leaves those bytes as they were, and says it
  /// once. Fails with malformed, naming the file, if they are others, or with io if they cannot be
  /// read.
  Result<std::vector<std::string>> look();

 private:
  Result<void> compare(UsedFile& used, std::vector<std::string>& remarks);
  void look_at_path(const UsedFile& used, std::vector<std::string>& remarks);

  std::vector<UsedFile> files_;
  std::set<std::filesystem::path> said_;  ///< whose path no longer leads to what was opened
};

}  // namespace nodezero::model
