// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/terminal/printable_text.hpp"

#include <cstddef>
#include <cstdint>
#include <iterator>

#include <fmt/format.h>

namespace nodezero::apps {

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

/// Copies text; what must not reach a terminal is copied as `stand_in` says.
template <class StandIn>
std::string filtered(std::string_view text, StandIn&& stand_in) {
  std::string result;
  result.reserve(text.size());
  while (!text.empty()) {
    if (text.starts_with("\r\n")) {
      text.remove_prefix(1);
      continue;
    }
    const auto length = sequence_length(text);
    const auto sequence = text.substr(0, length == 0 ? 1 : length);
    if (length == 0 || is_control(sequence)) {
      result += stand_in(sequence);
    } else {
      result += sequence;
    }
    text.remove_prefix(sequence.size());
  }
  return result;
}

}  // namespace

std::string printable(std::string_view text) {
  return filtered(text, [](std::string_view) { return "\xEF\xBF\xBD"; });
}

std::string escaped(std::string_view text) {
  return filtered(text, [](std::string_view bytes) {
    std::string code;
    for (const char byte : bytes) {
      fmt::format_to(std::back_inserter(code), "\\x{:02X}", static_cast<unsigned char>(byte));
    }
    return code;
  });
}

}  // namespace nodezero::apps
