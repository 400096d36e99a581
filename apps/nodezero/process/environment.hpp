// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <nlohmann/json_fwd.hpp>

namespace nodezero::apps {

/// The versions of this program, its arithmetic, CAF, Eigen, fmt, CLI11, nlohmann-json and the
/// compiler.
nlohmann::json version_description();

/// The processor's name, its number of cores, the instruction sets it has of those this program
/// knows, and the kernels in use.
nlohmann::json processor_description();

/// This machine's host name.
std::string host_name();

/// The current time in UTC, such as 2025-01-31T12:00:00Z.
std::string timestamp();

}  // namespace nodezero::apps
