// SPDX-License-Identifier: BSD-3-Clause
#include "pictures.hpp"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdint>
#include <png.h>
#include <stdexcept>
#include <string_view>

namespace {

using Colour = std::array<std::uint8_t, 3>;

constexpr int letter_width = 8, letter_height = 10;

/// Five rows of three pixels, an octal digit each.
int letter(char c) {
  constexpr std::string_view letters = "0123456789e-lostp";
  constexpr int rows[] = {075557, 026227, 071747, 071717, 055711, 074717, 074757, 071222, 075757,
                          075717, 025743, 000700, 062227, 002552, 003636, 027221, 006564};
  const auto place = letters.find(c);
  return place == std::string_view::npos ? 0 : rows[place];
}

class Picture {
 public:
  Picture(int width, int height)
      : width_(width), height_(height), bytes_(static_cast<std::size_t>(3 * width * height), 255) {}

  void set(int x, int y, Colour colour) {
    if (x >= 0 && x < width_ && y >= 0 && y < height_) {
      std::copy(colour.begin(), colour.end(), bytes_.begin() + 3 * (y * width_ + x));
    }
  }
  void fill(int x, int y, int size, Colour colour) {
    for (int i = 0; i < size * size; ++i) {
      set(x + i % size, y + i / size, colour);
    }
  }
  void write_text(int x, int y, std::string_view text, Colour colour) {
    for (const char c : text) {
      for (int i = 0; i < 15; ++i) {
        if (letter(c) >> (14 - i) & 1) {
          fill(x + 2 * (i % 3), y + 2 * (i / 3), 2, colour);
        }
      }
      x += letter_width;
    }
  }
  void write(const std::string& path) const {
    png_image image{};
    image.version = PNG_IMAGE_VERSION;
    image.width = static_cast<png_uint_32>(width_);
    image.height = static_cast<png_uint_32>(height_);
    image.format = PNG_FORMAT_RGB;
    if (!png_image_write_to_file(&image, path.c_str(), 0, bytes_.data(), 0, nullptr)) {
      throw std::runtime_error(path + ": " + image.message);
    }
  }

 private:
  int width_, height_;
  std::vector<std::uint8_t> bytes_;
};

/// From dark blue by green to yellow for 0 to 1.
Colour colour_of(float value) {
  constexpr std::array<std::array<float, 3>, 5> stops = {
      {{20, 24, 60}, {38, 80, 140}, {40, 150, 140}, {120, 205, 95}, {252, 230, 60}}};
  const float place = std::clamp(value, 0.0f, 1.0f) * 4;
  const auto stop = std::min<std::size_t>(3, static_cast<std::size_t>(place));
  const float part = place - static_cast<float>(stop);
  Colour colour;
  for (std::size_t i = 0; i < 3; ++i) {
    colour[i] =
        static_cast<std::uint8_t>(stops[stop][i] + part * (stops[stop + 1][i] - stops[stop][i]));
  }
  return colour;
}

}  // namespace

void write_comparison(const std::string& path, const Fields& truth, const Fields& prediction,
                      const Region& region) {
  constexpr int pixels = 3, gap = 6;
  const int n = static_cast<int>(truth.v.rows()), panel = n * pixels + gap;
  Picture picture(3 * panel - gap, n * pixels);
  for (int y = 0; y < n; ++y) {
    for (int x = 0; x < n; ++x) {
      const float t = truth.v(y, x), p = prediction.v(y, x);
      const float values[] = {t / 0.4f, p / 0.4f, 10 * std::fabs(t - p) / 0.4f};
      for (int k = 0; k < 3; ++k) {
        picture.fill(k * panel + x * pixels, y * pixels, pixels, colour_of(values[k]));
      }
    }
  }
  for (int k = 1; k < 3; ++k) {
    const int left = k * panel + region.left * pixels, top = region.top * pixels;
    const int width = region.width * pixels, height = region.height * pixels;
    for (int i = 0; i < width; ++i) {
      picture.set(left + i, top, {255, 255, 255});
      picture.set(left + i, top + height - 1, {255, 255, 255});
    }
    for (int i = 0; i < height; ++i) {
      picture.set(left, top + i, {255, 255, 255});
      picture.set(left + width - 1, top + i, {255, 255, 255});
    }
  }
  picture.write(path);
}

void write_curve(const std::string& path, const std::vector<double>& values) {
  constexpr int width = 640, height = 360, margin = 24, left = 56;
  constexpr Colour grey{205, 205, 205}, ink{60, 60, 60};
  Picture picture(width, height);
  const auto [least, largest] = std::ranges::minmax_element(values);
  const double low = std::floor(std::log10(*least)), high = std::ceil(std::log10(*largest));
  const auto y_of = [&](double value) {
    const double part = (std::log10(value) - low) / std::max(1.0, high - low);
    return height - margin - static_cast<int>(part * (height - 2 * margin));
  };
  for (double power = low; power <= high; ++power) {
    const int y = y_of(std::pow(10, power));
    for (int x = left; x < width - margin; ++x) {
      picture.set(x, y, grey);
    }
    picture.write_text(margin / 3, y - letter_height / 2,
                       "1e" + std::to_string(static_cast<int>(power)), ink);
  }
  picture.write_text(left, margin / 4, "loss", ink);
  const std::string steps = std::to_string(values.size()) + " steps";
  picture.write_text(left, height - margin + margin / 2, "0", ink);
  picture.write_text(width - margin - letter_width * static_cast<int>(steps.size()),
                     height - margin + margin / 2, steps, ink);
  int before = y_of(values.front());
  for (int x = left; x < width - margin; ++x) {
    const auto index = static_cast<std::size_t>(x - left) * (values.size() - 1) /
                       static_cast<std::size_t>(width - left - margin - 1);
    const int y = y_of(values[index]);
    for (int k = std::min(y, before); k <= std::max(y, before); ++k) {
      picture.set(x, k, {30, 90, 170});
    }
    before = y;
  }
  picture.write(path);
}
