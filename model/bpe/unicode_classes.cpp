// SPDX-License-Identifier: BSD-3-Clause
#include "model/bpe/unicode_classes.hpp"

#include <algorithm>
#include <span>

#include "model/bpe/unicode_runs.hpp"

namespace nodezero::model {

UnicodeClasses::UnicodeClasses() {
  std::vector<CharacterClass> classes(0x110000, CharacterClass::other);
  const auto fill = [&](std::span<const CodePointRun> runs, CharacterClass value) {
    for (const CodePointRun& run : runs) {
      std::fill(classes.begin() + run.first, classes.begin() + run.last + 1, value);
    }
  };
  fill(letter_runs, CharacterClass::letter);
  fill(number_runs, CharacterClass::number);
  fill(white_space_runs, CharacterClass::white_space);
  for (std::size_t page = 0; page < page_of_.size(); ++page) {
    Page content;
    std::copy_n(classes.begin() + static_cast<std::ptrdiff_t>(page * content.size()),
                content.size(), content.begin());
    const auto known = std::ranges::find(pages_, content);
    page_of_[page] = static_cast<std::uint16_t>(known - pages_.begin());
    if (known == pages_.end()) {
      pages_.push_back(content);
    }
  }
}

const UnicodeClasses& UnicodeClasses::get() {
  static const UnicodeClasses all;
  return all;
}

}  // namespace nodezero::model
