// SPDX-License-Identifier: BSD-3-Clause
#include "formats/printable_text.hpp"

#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace nodezero::formats {

namespace {

/// Length of the well-formed UTF-8 sequence at the start of `text`, 0 if there is none. The ranges
/// are from table 3-7 of the Unicode standard.
std::size_t sequence_length(std::string_view text) {
  const auto byte = [&](std::size_t i) {
    return i < text.size() ? static_cast<unsigned char>(text[i]) : 0U;
  };
  const auto continues = [&](std::size_t i) { return (byte(i) & 0xC0U) == 0x80U; };
  const unsigned lead = byte(0);
  if (lead < 0x80) {
    return 1;
  }
  if (lead >= 0xC2 && lead <= 0xDF) {
    return continues(1) ? 2 : 0;
  }
  if (lead >= 0xE0 && lead <= 0xEF) {
    const bool overlong = lead == 0xE0 && byte(1) < 0xA0;
    const bool surrogate = lead == 0xED && byte(1) > 0x9F;
    return continues(1) && continues(2) && !overlong && !surrogate ? 3 : 0;
  }
  if (lead >= 0xF0 && lead <= 0xF4) {
    const bool overlong = lead == 0xF0 && byte(1) < 0x90;
    const bool too_large = lead == 0xF4 && byte(1) > 0x8F;
    return continues(1) && continues(2) && continues(3) && !overlong && !too_large ? 4 : 0;
  }
  return 0;
}

bool is_control(std::string_view sequence) {
  const auto first = static_cast<unsigned char>(sequence[0]);
  if (sequence.size() == 1) {
    return (first < 0x20 && first != '\n' && first != '\t') || first == 0x7F;
  }
  // U+0080 to U+009F are control characters too, and some terminals act on them.
  return first == 0xC2 && static_cast<unsigned char>(sequence[1]) < 0xA0;
}

/// Marks that make a terminal or a browser show text in another order or on other lines than it
/// has.
bool is_misleading(std::string_view sequence) {
  const auto is_between = [&](std::string_view first, std::string_view last) {
    return sequence >= first && sequence <= last;
  };
  return is_between("\xE2\x80\xA8", "\xE2\x80\xAE") || is_between("\xE2\x81\xA6", "\xE2\x81\xA9");
}

/// Copies text with `stand_in` for what `is_bad` and for bytes that are not UTF-8.
template <class IsBad, class StandIn>
std::string filtered(std::string_view text, IsBad&& is_bad, StandIn&& stand_in) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    const auto length = sequence_length(text);
    const auto sequence = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_bad(sequence)) {
      result += stand_in(sequence);
    } else {
      result += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return result;
}

std::string with_unix_lines(std::string_view text) {
  std::string result;
  result.reserve(text.size());
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text.substr(i, 2) != "\r\n") {
      result += text[i];
    }
  }
  return result;
}

std::string code_of(std::string_view bytes) {
  std::string code;
  for (const char byte : bytes) {
    fmt::format_to(std::back_inserter(code), "\\x{:02X}", static_cast<unsigned char>(byte));
  }
  return code;
}

}  // namespace

std::string printable(std::string_view text) {
  return filtered(with_unix_lines(text), is_control,
                  [](std::string_view) { return "\xEF\xBF\xBD"; });
}

std::string well_formed(std::string_view text) {
  return filtered(
      text, [](std::string_view) { return false; },
      [](std::string_view) { return "\xEF\xBF\xBD"; });
}

std::size_t unfinished_character(std::string_view text) {
  for (std::size_t length = 1; length <= std::min<std::size_t>(3, text.size()); ++length) {
    const auto byte = static_cast<unsigned char>(text[text.size() - length]);
    if ((byte & 0xC0U) == 0x80U) {
      continue;
    }
    const std::size_t whole = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;
    return whole > length ? length : 0;
  }
  return 0;
}

std::string escaped(std::string_view text) {
  return filtered(
      with_unix_lines(text),
      [](std::string_view sequence) { return is_control(sequence) || is_misleading(sequence); },
      code_of);
}

std::string escaped_name(std::string_view name) {
  return filtered(
      name,
      [](std::string_view sequence) {
        return is_control(sequence) || is_misleading(sequence) || sequence == "\n" ||
               sequence == "\t";
      },
      code_of);
}

}  // namespace nodezero::formats
