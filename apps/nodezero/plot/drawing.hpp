// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace nodezero::apps {

struct Point {
  double x = 0, y = 0;
};

struct Colour {
  std::uint8_t red = 0, green = 0, blue = 0;
};

/// A picture in pixels, whose origin is the upper left corner, on white: lines first, then dots,
/// then labels.
struct Drawing {
  struct Line {
    std::vector<Point> points;
    Colour colour;
    double width = 1;
  };
  struct Dot {
    Point centre;
    double radius = 1;
    Colour colour;
  };
  struct Label {
    enum class Anchor { start, middle, end };
    Point at;  ///< on the base line of the text
    std::string text;
    Anchor anchor = Anchor::start;
    Colour colour;
  };

  int width = 0, height = 0;
  std::vector<Line> lines;
  std::vector<Dot> dots;
  std::vector<Label> labels;
};

inline constexpr double label_height = 13;  ///< of a digit's line of text, in pixels

std::string to_svg(const Drawing& drawing);

/// A PNG. Letters are drawn by strokes (strokes.hpp); one that there are none for is left out.
std::string to_png(const Drawing& drawing);

}  // namespace nodezero::apps
