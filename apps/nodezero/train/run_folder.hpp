// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "model/files/file_descriptor.hpp"

namespace nodezero::apps {

/// A run folder, locked for this process for as long as the object lives.
class RunFolder {
 public:
  /// Creates the folder if it does not exist, and locks it.
  /// @throws CommandError if it cannot be created or written, or another process trains in it
  explicit RunFolder(std::filesystem::path path);

  const std::filesystem::path& path() const { return path_; }
  /// False if somebody has removed, moved or replaced the folder: what is still open is then lost.
  bool is_still_there() const;

 private:
  std::filesystem::path path_;
  model::FileDescriptor lock_;
};

/// True if a run is kept in this folder.
bool is_run_folder(const std::filesystem::path& folder);

/// Removes a folder in which a run was about to begin, with what was made for that alone. One with
/// anything else in it stays.
void remove_unused(const std::filesystem::path& folder);

/// @throws CommandError if the folder holds a run or a model, which a new run would overwrite
void check_unused(const std::filesystem::path& folder);

}  // namespace nodezero::apps
