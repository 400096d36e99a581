// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

namespace nodezero::apps {

/// Prints the digests of what a folder holds: a checkpoint if it has or is one, else a model alone.
/// @throws CommandError
void digest_command(const std::filesystem::path& folder);

}  // namespace nodezero::apps
