// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/file_stamp.hpp"

#include <cerrno>

#include "model/files/system_error.hpp"

namespace nodezero::model {

FileStamp stamp_of(const struct stat& status) {
  return {status.st_dev, status.st_ino, static_cast<std::uint64_t>(status.st_size),
          std::int64_t{status.st_mtim.tv_sec} * 1'000'000'000 + status.st_mtim.tv_nsec};
}

Result<FileStamp> stamp_of(const std::filesystem::path& path) {
  struct stat status {};
  if (::stat(path.c_str(), &status) != 0) {
    return tl::unexpected(read_error(path, errno));
  }
  return stamp_of(status);
}

}  // namespace nodezero::model
