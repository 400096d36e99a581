// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::apps {

/// Prints the digests of the checkpoint that the folder is or contains, or else of its model; with
/// `explain` also what they depend on.
/// @throws CommandError
void digest_command(const std::filesystem::path& folder, bool explain, bool as_json);

}  // namespace nodezero::apps
