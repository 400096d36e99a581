// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/byte_symbols.hpp"

#include <algorithm>

namespace nodezero::model {

const std::array<char32_t, 256>& byte_symbols() {
  static const auto symbols = [] {
    std::array<char32_t, 256> all{};
    char32_t next = 0x100;
    for (char32_t byte = 0; byte < 256; ++byte) {
      const bool printable =
          (byte >= 0x21 && byte <= 0x7E) || (byte >= 0xA1 && byte <= 0xFF && byte != 0xAD);
      all[byte] = printable ? byte : next++;
    }
    return all;
  }();
  return symbols;
}

std::string to_symbols(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) {
    // All are below U+0800.
    const char32_t symbol = byte_symbols()[static_cast<unsigned char>(byte)];
    if (symbol < 0x80) {
      text.push_back(static_cast<char>(symbol));
    } else {
      text.push_back(static_cast<char>(0xC0 | symbol >> 6));
      text.push_back(static_cast<char>(0x80 | (symbol & 0x3F)));
    }
  }
  return text;
}

std::optional<std::string> from_symbols(std::string_view text) {
  std::string bytes;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto first = static_cast<unsigned char>(text[at]);
    char32_t symbol = first;
    if (first >= 0x80) {
      if (first < 0xC2 || first > 0xDF || at + 1 == text.size()) {
        return std::nullopt;
      }
      symbol = (first & 0x1FU) << 6 | (static_cast<unsigned char>(text[++at]) & 0x3FU);
    }
    const auto byte = std::ranges::find(byte_symbols(), symbol);
    if (byte == byte_symbols().end()) {
      return std::nullopt;
    }
    bytes.push_back(static_cast<char>(byte - byte_symbols().begin()));
  }
  return bytes;
}

}  // namespace nodezero::model
