// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/byte_text.hpp"

#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

/// The character for byte b is first_stand_in + b; only bytes from 0x80 on need one.
constexpr char32_t first_stand_in = 0xEF00;

bool is_stand_in(char32_t character) {
  return character >= first_stand_in + 0x80 && character <= first_stand_in + 0xFF;
}

}  // namespace

std::string to_utf8_text(std::string_view bytes) {
  std::string text;
  while (!bytes.empty()) {
    const auto character = decode_utf8(bytes);
    if (character.bytes > 0 && !is_stand_in(character.code_point)) {
      text.append(bytes.substr(0, character.bytes));
      bytes.remove_prefix(character.bytes);
    } else {
      append_utf8(first_stand_in + static_cast<unsigned char>(bytes.front()), text);
      bytes.remove_prefix(1);
    }
  }
  return text;
}

std::string from_utf8_text(std::string_view text) {
  std::string bytes;
  while (!text.empty()) {
    const auto character = decode_utf8(text);
    if (character.bytes > 0 && is_stand_in(character.code_point)) {
      bytes.push_back(static_cast<char>(character.code_point - first_stand_in));
      text.remove_prefix(character.bytes);
    } else {
      bytes.push_back(text.front());
      text.remove_prefix(1);
    }
  }
  return bytes;
}

}  // namespace nodezero::model
