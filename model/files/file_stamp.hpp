// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <sys/stat.h>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// Tells whether a file may have changed since it was looked at, without reading it: equal stamps
/// mean the same file with the same content, unless somebody has set its times back.
struct FileStamp {
  std::uint64_t device = 0;
  std::uint64_t inode = 0;
  std::uint64_t bytes = 0;
  std::int64_t modified_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

/// Of what fstat or stat has said.
FileStamp stamp_of(const struct stat& status);

/// Fails with not_found or unreadable.
Result<FileStamp> stamp_of(const std::filesystem::path& path);

}  // namespace nodezero::model
