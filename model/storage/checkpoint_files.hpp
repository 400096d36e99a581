// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <string>
#include <vector>

#include "model/storage/checkpoint.hpp"

namespace nodezero::model {

/// One checkpoint as a folder of files, without regard to where it stands.

/// The name of the file with what the run computes.
inline constexpr const char* origin_file = "origin.json";

/// Writes and syncs all files of a checkpoint into an existing empty folder.
Result<void> write_checkpoint_files(const std::filesystem::path& folder,
                                    const Checkpoint& checkpoint,
                                    const CheckpointContext& context = {});

/// Compares every file with its sum. Fails with malformed or what reading fails with; the
/// message is one line that names the file.
Result<void> verify_checkpoint_files(const std::filesystem::path& folder);

/// The stamps of all files, the sums' included; a file that is missing has that of nothing.
std::vector<FileStamp> checkpoint_stamps(const std::filesystem::path& folder);

/// Reads a checkpoint after verifying it.
Result<Checkpoint> read_checkpoint_files(const std::filesystem::path& folder);

}  // namespace nodezero::model
