// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstddef>
#include <filesystem>
#include <string>

#include "nodezero/error.hpp"

namespace nodezero::runtime::network {

/// What the machines of a run have in common, and nobody else has.
struct Secret {
  std::array<std::byte, 32> bytes{};
};

/// A new one, as a line of text: "nodezero-secret-1 " and 64 hexadecimal digits.
Result<std::string> new_secret();

/// Fails with invalid_argument if others than the owner may read the file, or nobody can.
Result<void> check_kept_from_others(const std::filesystem::path& path);

/// Reads such a line. Refused with invalid_argument if others than the owner may read the file, or
/// if it is something else.
Result<Secret> read_secret(const std::filesystem::path& path);

}  // namespace nodezero::runtime::network
