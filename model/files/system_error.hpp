// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <filesystem>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The error for a path that could not be opened or read: not_found where nothing has
/// that name, else io. `error_number` is errno's value.
Error read_error(const std::filesystem::path& path, int error_number);

/// The error for a path that could not be written: io.
Error write_error(const std::filesystem::path& path, int error_number);

}  // namespace nodezero::model
