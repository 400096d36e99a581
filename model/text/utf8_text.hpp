// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace nodezero::model {

/// One step through UTF-8 text.
struct DecodedCharacter {
  char32_t code_point = 0;
  std::size_t bytes = 0;  ///< 0 if the text is not UTF-8 here
};

/// Decodes the character at the front of `text`, which must not be empty. Overlong forms,
/// surrogates and numbers above U+10FFFF are not UTF-8.
DecodedCharacter decode_utf8(std::string_view text);

/// Appends a code point, which must be a Unicode scalar value, as UTF-8.
void append_utf8(char32_t code_point, std::string& text);

/// For messages: 'é' (U+00E9), or U+000A alone for what cannot be shown.
std::string describe_character(char32_t code_point);

}  // namespace nodezero::model
