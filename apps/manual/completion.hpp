// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include "apps/manual/command_text.hpp"

namespace nodezero::apps {

/// A file for bash that completes commands, options, and values that have names.
std::string bash_completion(const CommandText& program);

}  // namespace nodezero::apps
