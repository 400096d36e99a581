// SPDX-License-Identifier: BSD-3-Clause
#include <fmt/format.h>

#include "apps/nodezero/plot/drawing.hpp"

namespace nodezero::apps {

namespace {

std::string svg_colour(const Colour& colour) {
  return fmt::format("#{:02x}{:02x}{:02x}", colour.red, colour.green, colour.blue);
}

const char* svg_anchor(Drawing::Label::Anchor anchor) {
  switch (anchor) {
    case Drawing::Label::Anchor::start:
      return "start";
    case Drawing::Label::Anchor::middle:
      return "middle";
    case Drawing::Label::Anchor::end:
      return "end";
  }
  return "start";
}

}  // namespace

std::string to_svg(const Drawing& drawing) {
  std::string text = fmt::format(
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{0}\" height=\"{1}\" "
      "viewBox=\"0 0 {0} {1}\" font-family=\"sans-serif\" font-size=\"{2}\">\n"
      "<rect width=\"100%\" height=\"100%\" fill=\"#ffffff\"/>\n",
      drawing.width, drawing.height, label_height);
  for (const auto& line : drawing.lines) {
    text += fmt::format(
        "<polyline fill=\"none\" stroke=\"{}\" stroke-width=\"{}\" stroke-linejoin=\"round\" "
        "points=\"",
        svg_colour(line.colour), line.width);
    for (const auto& point : line.points) {
      text += fmt::format("{:.1f},{:.1f} ", point.x, point.y);
    }
    text += "\"/>\n";
  }
  for (const auto& dot : drawing.dots) {
    text += fmt::format("<circle cx=\"{:.1f}\" cy=\"{:.1f}\" r=\"{}\" fill=\"{}\"/>\n",
                        dot.centre.x, dot.centre.y, dot.radius, svg_colour(dot.colour));
  }
  for (const auto& label : drawing.labels) {
    text += fmt::format(
        "<text x=\"{:.1f}\" y=\"{:.1f}\" text-anchor=\"{}\" fill=\"{}\">{}</text>\n", label.at.x,
        label.at.y, svg_anchor(label.anchor), svg_colour(label.colour), label.text);
  }
  return text + "</svg>\n";
}

}  // namespace nodezero::apps
