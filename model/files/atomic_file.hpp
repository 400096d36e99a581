// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>
#include <functional>
#include <string>
#include <string_view>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The whole file, or not_found or io with the path and the system's reason.
Result<std::string> read_file(const std::filesystem::path& path);

/// Writes to a temporary name beside `path`, syncs it, renames it and syncs the folder: a
/// reader sees the old content or the new one. Fails with io and then leaves
/// no temporary behind.
Result<void> write_file_atomically(const std::filesystem::path& path, std::string_view content);

/// The same for whatever writes a file by itself: `write` is given the temporary name.
Result<void> replace_file_atomically(
    const std::filesystem::path& path,
    const std::function<Result<void>(const std::filesystem::path& temporary)>& write);

/// Removes what writers that were killed have left of the two above in a folder. Only for a folder
/// that no other program writes to now.
void remove_unfinished_files(const std::filesystem::path& folder);

/// Creates a folder and its parents where they are missing, and syncs the parent of each new one.
Result<void> create_folder(const std::filesystem::path& folder);

/// Syncs a file or a folder to the disk.
Result<void> sync_path(const std::filesystem::path& path);

}  // namespace nodezero::model
