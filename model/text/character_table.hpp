// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <array>
#include <cstdint>
#include <vector>

namespace nodezero::model {

/// From Unicode code points to token ids without hashing: pages of 256 code points, of which
/// only those exist that an alphabet uses.
class CharacterTable {
 public:
  /// What a code point without a token yields; therefore 65,535 tokens is the most.
  static constexpr std::uint16_t absent = 0xFFFF;
  static constexpr std::size_t max_tokens = absent;

  CharacterTable() : pages_(1) { pages_[0].fill(absent); }

  /// The id of a code point (at most 0x10FFFF), or `absent`.
  std::uint16_t operator[](char32_t code_point) const {
    const std::uint16_t page = page_of_[code_point >> 8];
    return page == no_page ? absent : pages_[page][code_point & 0xFF];
  }

  /// The ids of the first 256 code points, for loops over ASCII text; valid until set().
  const std::uint16_t* first_page() const { return pages_[0].data(); }

  void set(char32_t code_point, std::uint16_t id) {
    std::uint16_t& page = page_of_[code_point >> 8];
    if (page == no_page) {
      page = static_cast<std::uint16_t>(pages_.size());
      pages_.emplace_back().fill(absent);
    }
    pages_[page][code_point & 0xFF] = id;
  }

 private:
  static constexpr std::uint16_t no_page = 0xFFFF;
  static constexpr std::size_t page_count = 0x110000 / 256;

  static constexpr std::array<std::uint16_t, page_count> only_first_page() {
    std::array<std::uint16_t, page_count> pages{};
    pages.fill(no_page);
    pages[0] = 0;
    return pages;
  }

  std::array<std::uint16_t, page_count> page_of_ = only_first_page();
  std::vector<std::array<std::uint16_t, 256>> pages_;
};

}  // namespace nodezero::model
