// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <cmath>
#include <stdexcept>
#include <zlib.h>

#include "apps/nodezero/plot/drawing.hpp"
#include "apps/nodezero/plot/strokes.hpp"

namespace nodezero::apps {

namespace {

/// The distance of p from the line between a and b.
double distance(const Point& p, const Point& a, const Point& b) {
  const double dx = b.x - a.x, dy = b.y - a.y;
  const double length = dx * dx + dy * dy;
  const double along =
      length > 0 ? std::clamp(((p.x - a.x) * dx + (p.y - a.y) * dy) / length, 0.0, 1.0) : 0.0;
  return std::hypot(p.x - a.x - along * dx, p.y - a.y - along * dy);
}

/// Pixels that lines are drawn on, with soft edges.
class Canvas {
 public:
  Canvas(int width, int height)
      : width_(width),
        height_(height),
        pixels_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height) * 3, 255),
        coverage_(static_cast<std::size_t>(width) * static_cast<std::size_t>(height)) {}

  /// One line through all points: where its parts meet it is not darker than elsewhere.
  void draw(const std::vector<Point>& points, double width, const Colour& colour) {
    for (std::size_t i = 0; i < points.size(); ++i) {
      cover(points[i], points[std::min(i + 1, points.size() - 1)], width / 2);
    }
    blend(colour);
  }

  /// The rows of a PNG, each behind the number of its filter, which is none.
  std::string rows() const {
    std::string all;
    const auto size = static_cast<std::size_t>(width_) * 3;
    for (std::size_t row = 0; row < static_cast<std::size_t>(height_); ++row) {
      all.push_back('\0');
      all.append(reinterpret_cast<const char*>(pixels_.data()) + row * size, size);
    }
    return all;
  }

 private:
  std::size_t index(int x, int y) const {
    return static_cast<std::size_t>(y) * static_cast<std::size_t>(width_) +
           static_cast<std::size_t>(x);
  }

  void cover(const Point& a, const Point& b, double radius) {
    const auto first = [&](double from) {
      return std::max(0, static_cast<int>(std::floor(from - radius - 1)));
    };
    const auto last = [&](double to, int size) {
      return std::min(size - 1, static_cast<int>(std::ceil(to + radius + 1)));
    };
    for (int y = first(std::min(a.y, b.y)); y <= last(std::max(a.y, b.y), height_); ++y) {
      for (int x = first(std::min(a.x, b.x)); x <= last(std::max(a.x, b.x), width_); ++x) {
        const double outside = distance({x + 0.5, y + 0.5}, a, b) - radius;
        const auto covered = static_cast<float>(std::clamp(0.5 - outside, 0.0, 1.0));
        float& here = coverage_[index(x, y)];
        if (covered > 0 && here == 0) {
          touched_.push_back(index(x, y));
        }
        here = std::max(here, covered);
      }
    }
  }

  void blend(const Colour& colour) {
    const std::uint8_t parts[] = {colour.red, colour.green, colour.blue};
    for (const std::size_t at : touched_) {
      for (std::size_t part = 0; part < 3; ++part) {
        std::uint8_t& pixel = pixels_[3 * at + part];
        pixel = static_cast<std::uint8_t>(
            std::lround(pixel + coverage_[at] * (static_cast<float>(parts[part]) - pixel)));
      }
      coverage_[at] = 0;
    }
    touched_.clear();
  }

  int width_, height_;
  std::vector<std::uint8_t> pixels_;
  std::vector<float> coverage_;       ///< of the line at hand
  std::vector<std::size_t> touched_;  ///< where that is not 0
};

std::string big_endian(std::uint32_t number) {
  return {static_cast<char>(number >> 24), static_cast<char>(number >> 16),
          static_cast<char>(number >> 8), static_cast<char>(number)};
}

/// A chunk of a PNG: length, name, data, and the sum of name and data.
std::string chunk(std::string name, const std::string& data) {
  const auto length = big_endian(static_cast<std::uint32_t>(data.size()));
  name += data;
  const auto sum =
      ::crc32(0, reinterpret_cast<const Bytef*>(name.data()), static_cast<uInt>(name.size()));
  return length + name + big_endian(static_cast<std::uint32_t>(sum));
}

std::string deflated(const std::string& bytes) {
  uLongf size = ::compressBound(bytes.size());
  std::string packed(size, '\0');
  if (::compress2(reinterpret_cast<Bytef*>(packed.data()), &size,
                  reinterpret_cast<const Bytef*>(bytes.data()), bytes.size(),
                  Z_BEST_COMPRESSION) != Z_OK) {
    throw std::runtime_error("zlib cannot pack the picture");
  }
  packed.resize(size);
  return packed;
}

}  // namespace

std::string to_png(const Drawing& drawing) {
  constexpr double digit_height = 0.72 * label_height, stroke = 1.2;
  Canvas canvas(drawing.width, drawing.height);
  for (const auto& line : drawing.lines) {
    canvas.draw(line.points, line.width, line.colour);
  }
  for (const auto& dot : drawing.dots) {
    canvas.draw({dot.centre}, 2 * dot.radius, dot.colour);
  }
  for (const auto& label : drawing.labels) {
    const double width = width_of(label.text, digit_height);
    const double left = label.anchor == Drawing::Label::Anchor::start    ? 0
                        : label.anchor == Drawing::Label::Anchor::middle ? width / 2
                                                                         : width;
    for (auto points : strokes_of(label.text, digit_height)) {
      for (auto& point : points) {
        point = {point.x + label.at.x - left, point.y + label.at.y};
      }
      canvas.draw(points, stroke, label.colour);
    }
  }
  // 8 bits for each of red, green and blue.
  const auto header = big_endian(static_cast<std::uint32_t>(drawing.width)) +
                      big_endian(static_cast<std::uint32_t>(drawing.height)) +
                      std::string("\x08\x02\0\0\0", 5);
  return "\x89PNG\r\n\x1A\n" + chunk("IHDR", header) + chunk("IDAT", deflated(canvas.rows())) +
         chunk("IEND", "");
}

}  // namespace nodezero::apps
