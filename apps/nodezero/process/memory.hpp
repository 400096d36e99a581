// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>

namespace nodezero::apps {

/// Bytes that this process can still allocate: what the kernel calls available, or less if a
/// control group or the process's address-space limit allows less; 2^63 - 1 if unknown. `root` is
/// prepended to /proc and /sys.
std::uint64_t available_memory(const std::filesystem::path& root = "/");

/// The peak resident memory of this process so far, in bytes.
std::uint64_t peak_memory();

}  // namespace nodezero::apps
