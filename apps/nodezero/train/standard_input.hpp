// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::apps {

/// An empty folder among the system's temporary ones, removed with all that is in it at the end of
/// its scope.
class ScratchFolder {
 public:
  /// @throws CommandError if it cannot be made
  ScratchFolder();
  ~ScratchFolder();
  ScratchFolder(const ScratchFolder&) = delete;
  ScratchFolder& operator=(const ScratchFolder&) = delete;

  const std::filesystem::path& path() const { return path_; }

 private:
  std::filesystem::path path_;
};

/// Keeps what comes from standard input as a file, under its SHA-256: FOLDER/data-SHA256. A run
/// whose data was piped into it can so be resumed. The folder must exist.
/// @throws CommandError if nothing comes or it cannot be kept
std::filesystem::path keep_standard_input(const std::filesystem::path& folder);

}  // namespace nodezero::apps
