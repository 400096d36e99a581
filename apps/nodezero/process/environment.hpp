// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace nodezero::apps {

/// Versions of this program, CAF, oneDNN, Eigen, fmt, CLI11, nlohmann-json and the compiler.
nlohmann::json version_description();

/// The processor's name, its number of cores, the instruction sets that this program knows
/// of, and the one that oneDNN uses.
nlohmann::json processor_description();

/// This machine's name in its network.
std::string host_name();

/// Now, in UTC, as 2025-01-31T12:00:00Z.
std::string timestamp();

}  // namespace nodezero::apps
