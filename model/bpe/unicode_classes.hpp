// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace nodezero::model {

/// The only distinctions that GPT-2's way of cutting text into pieces makes.
enum class CharacterClass : std::uint8_t { other, letter, number, white_space };

/// The classes of all code points by Unicode 16, in pages of 256.
class UnicodeClasses {
 public:
  static const UnicodeClasses& get();

  /// Of a code point, at most 0x10FFFF.
  CharacterClass operator[](char32_t code_point) const {
    return pages_[page_of_[code_point >> 8]][code_point & 0xFF];
  }

 private:
  UnicodeClasses();

  using Page = std::array<CharacterClass, 256>;
  std::array<std::uint16_t, 0x110000 / 256> page_of_{};
  std::vector<Page> pages_;  ///< each distinct one once
};

}  // namespace nodezero::model
