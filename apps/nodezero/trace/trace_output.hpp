// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <string>

#include "runtime/inspect/text_output.hpp"

namespace nodezero::apps {

/// A trace is read before the output is opened, and would be gone. An empty output is stdout.
/// @throws CommandError if both are the same file
void refuse_overwriting(const std::string& input, const std::string& output);

/// Calls `write` with an output to a file, or to stdout if the path is empty.
/// @throws CommandError if it cannot be written
void with_output(const std::string& path,
                 const std::function<void(runtime::inspect::TextOutput&)>& write);

}  // namespace nodezero::apps
