// SPDX-License-Identifier: BSD-3-Clause
#include "model/files/system_error.hpp"

#include <cerrno>
#include <system_error>

#include <fmt/format.h>

namespace nodezero::model {

Error read_error(const std::filesystem::path& path, int error_number) {
  if (error_number == ENOENT || error_number == ENOTDIR) {
    return {ErrorCode::not_found,
            fmt::format("{}: no such file or folder; check the path", path.string())};
  }
  return {ErrorCode::io, fmt::format("{}: cannot be read ({}); check its permissions and the disk",
                                     path.string(), std::generic_category().message(error_number))};
}

Error write_error(const std::filesystem::path& path, int error_number) {
  const std::string reason = std::generic_category().message(error_number);
  const bool is_full = error_number == ENOSPC || error_number == EDQUOT || error_number == EFBIG;
  return {ErrorCode::io,
          is_full
              ? fmt::format("{}: no space to write it ({}); free some, or write to another disk",
                            path.string(), reason)
              : fmt::format("{}: cannot be written ({}); check the folder and its permissions",
                            path.string(), reason)};
}

}  // namespace nodezero::model
