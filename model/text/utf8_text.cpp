// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/utf8_text.hpp"

#include <iterator>
#include <utf8.h>

#include <fmt/format.h>

namespace nodezero::model {

DecodedCharacter decode_utf8(std::string_view text) {
  auto at = text.begin();
  try {
    const char32_t code_point = utf8::next(at, text.end());
    return {code_point, static_cast<std::size_t>(at - text.begin())};
  } catch (const utf8::exception&) {
    return {};
  }
}

void append_utf8(char32_t code_point, std::string& text) {
  utf8::unchecked::append(code_point, std::back_inserter(text));
}

std::string describe_character(char32_t code_point) {
  const auto number = static_cast<std::uint32_t>(code_point);
  // C0 and C1 control characters would garble the line that they are named in.
  if (number < 0x20 || (number >= 0x7F && number < 0xA0)) {
    return fmt::format("U+{:04X}", number);
  }
  std::string shown;
  append_utf8(code_point, shown);
  return fmt::format("'{}' (U+{:04X})", shown, number);
}

}  // namespace nodezero::model
