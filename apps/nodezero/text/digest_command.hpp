// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::apps {

/// Prints the digests of the checkpoint that the folder is or contains, or else of its model.
/// @throws CommandError
void digest_command(const std::filesystem::path& folder);

}  // namespace nodezero::apps
