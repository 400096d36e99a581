// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <algorithm>
#include <cmath>
#include <initializer_list>
#include <limits>
#include <vector>

#include "apps/nodezero/plot/drawing.hpp"

namespace nodezero::apps {

/// The values between two ends of a picture.
struct Axis {
  double least = 0, most = 1;  ///< values
  double from = 0, to = 1;     ///< where these lie, in pixels or columns

  double at(double value) const { return from + (value - least) / (most - least) * (to - from); }

  /// Round values within, at most about `count`.
  std::vector<double> ticks(double count) const {
    const double rough = (most - least) / count;
    const double power = std::pow(10, std::floor(std::log10(rough)));
    double step = 10 * power;
    for (const double factor : {5.0, 2.0, 1.0}) {
      step = factor * power >= 0.7 * rough ? factor * power : step;
    }
    std::vector<double> all;
    for (double i = std::ceil(least / step - 1e-9); i * step <= most + 1e-9 * step; ++i) {
      all.push_back(i * step + 0.0);  // never -0
    }
    return all;
  }
};

/// The range of the finite values of some curves, and a little more; never empty.
inline Axis axis_of(std::initializer_list<const std::vector<Point>*> curves, double Point::*part,
                    double margin) {
  double least = std::numeric_limits<double>::infinity(), most = -least;
  for (const auto* curve : curves) {
    for (const Point& point : *curve) {
      if (std::isfinite(point.*part)) {
        least = std::min(least, point.*part);
        most = std::max(most, point.*part);
      }
    }
  }
  if (!(least <= most)) {
    least = 0, most = 1;
  }
  const double largest = std::max(std::abs(least), std::abs(most));
  if (most - least <= 1e-9 * largest) {  // or ticks could not be told apart
    const double half = largest == 0 ? 1 : largest / 2;
    least -= half, most += half;
  }
  const double more = margin * (most - least);
  return {.least = least - more, .most = most + more};
}

}  // namespace nodezero::apps
