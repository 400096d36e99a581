// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace nodezero::fuzz {

/// A parser of files that somebody else has written.
struct Target {
  std::string_view name;  ///< also of its folder in corpus/
  /// Reads the bytes; whatever they are, it comes back.
  void (*read)(std::span<const std::byte> bytes);
};

std::span<const Target> targets();

}  // namespace nodezero::fuzz
