// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/plot/strokes.hpp"

#include <algorithm>
#include <iterator>

namespace nodezero::apps {

namespace {

/// A character on a grid: digits are 12 units high and 8 wide. A stroke is a list of points of two
/// letters, x and y, which count 0 to 9, a, b, ...; the base line has y = 4.
struct Glyph {
  char character;
  int width;
  std::string_view strokes;
};

constexpr Glyph glyphs[] = {
    {'0', 8, "2464868e6g2g0e0624"},
    {'1', 3, "0e3g34"},
    {'2', 8, "0e2g6g8e8c0484"},
    {'3', 8, "0f2g6g8e8c6a3a 6a8886642405"},
    {'4', 8, "646g0888"},
    {'5', 8, "8g0g0b6b8986642405"},
    {'6', 8, "7g2g0e06246486896b2b09"},
    {'7', 8, "0g8g34"},
    {'8', 8, "2a0c0e2g6g8e8c6a2a0806246486886a"},
    {'9', 8, "1464868e6g2g0e0b29698b"},
    {'.', 1, "0405151404"},
    {',', 1, "1502"},
    {'-', 6, "0a6a"},
    {'+', 6, "0a6a 373d"},
    {'a', 8, "8c84 8a6c2c0a06246486"},
    {'d', 8, "8g84 8a6c2c0a06246486"},
    {'e', 8, "08888a6c2c0a062474"},
    {'g', 8, "8c826020 8a6c2c0a06246486"},
    {'i', 0, "040c 0f0g"},
    {'l', 0, "040g"},
    {'n', 7, "040c 0a2c5c7a74"},
    {'o', 8, "2464868a6c2c0a0624"},
    {'p', 8, "0c00 0a2c6c8a86642406"},
    {'r', 4, "040c 0a2c4c"},
    {'s', 7, "7b5c2c0a285876542405"},
    {'t', 5, "2f264454 0c5c"},
    {'v', 8, "0c448c"},
};
constexpr int digit_height = 12, base_line = 4, gap = 3, width_of_space = 4;

const Glyph* glyph_of(char character) {
  const auto* const found = std::ranges::find(glyphs, character, &Glyph::character);
  return found == std::end(glyphs) ? nullptr : found;
}

int unit_of(char digit) {
  return digit <= '9' ? digit - '0' : digit - 'a' + 10;
}

/// Calls function(glyph, x) for each character there is one for; returns the width in units.
template <class Function>
int for_each_glyph(std::string_view text, Function function) {
  int x = 0;
  for (const char character : text) {
    const Glyph* const glyph = glyph_of(character);
    if (glyph != nullptr) {
      function(*glyph, x);
    }
    x += (glyph == nullptr ? width_of_space : glyph->width) + gap;
  }
  return std::max(0, x - gap);
}

}  // namespace

std::vector<std::vector<Point>> strokes_of(std::string_view text, double height) {
  const double unit = height / digit_height;
  std::vector<std::vector<Point>> all;
  for_each_glyph(text, [&](const Glyph& glyph, int x) {
    all.emplace_back();
    for (std::size_t i = 0; i < glyph.strokes.size();) {
      if (glyph.strokes[i] == ' ') {
        all.emplace_back();
        ++i;
        continue;
      }
      all.back().push_back({unit * (x + unit_of(glyph.strokes[i])),
                            unit * (base_line - unit_of(glyph.strokes[i + 1]))});
      i += 2;
    }
  });
  return all;
}

double width_of(std::string_view text, double height) {
  return height / digit_height * for_each_glyph(text, [](const Glyph&, int) {});
}

}  // namespace nodezero::apps
