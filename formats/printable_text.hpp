// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodezero::formats {

/// Text that is safe to print on a terminal: a model may produce any byte, and escape sequences
/// could move the cursor or worse. Control characters other than newline and tab, and bytes that
/// are not UTF-8, become U+FFFD. A carriage return before a newline is dropped.
std::string printable(std::string_view text);

/// The same for messages, where it matters which bytes are meant: they become \xNN, and so do marks
/// that turn the order of the text around.
std::string escaped(std::string_view text);

/// The same for names: on one line, so newlines and tabs become \xNN as well.
std::string escaped_name(std::string_view name);

/// The same without a judgement of what is shown where: only bytes that are not UTF-8 become
/// U+FFFD, because JSON cannot hold them.
std::string well_formed(std::string_view text);

/// Number of bytes at the end of `text`, at most 3, that start a UTF-8 character but do not
/// complete it.
std::size_t unfinished_character(std::string_view text);

}  // namespace nodezero::formats
