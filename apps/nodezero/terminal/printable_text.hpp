// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>

namespace nodezero::apps {

/// Text that a terminal can only show: a model may produce any byte, and escape sequences
/// would move the cursor or worse. Control characters but newline and tab, and bytes that
/// are not UTF-8, become U+FFFD. A carriage return before a newline is dropped.
std::string printable(std::string_view text);

}  // namespace nodezero::apps
