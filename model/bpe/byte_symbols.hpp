// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace nodezero::model {

/// GPT-2's table of a printable character for every byte, in which vocabularies are written:
/// Latin-1 where that is printable and no space, the characters from U+0100 on for the other bytes,
/// in order.
const std::array<char32_t, 256>& byte_symbols();

/// Bytes as those characters, in UTF-8.
std::string to_symbols(std::string_view bytes);

/// The inverse, or nothing if the text has a character that stands for no byte.
std::optional<std::string> from_symbols(std::string_view text);

}  // namespace nodezero::model
