// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>
#include <vector>

#include "apps/nodezero/plot/drawing.hpp"

namespace nodezero::apps {

/// A text by strokes, whose base line begins in the origin and whose digits are `height` pixels
/// high: digits, the letters of what a chart says, and . , -
std::vector<std::vector<Point>> strokes_of(std::string_view text, double height);

/// How wide that is.
double width_of(std::string_view text, double height);

}  // namespace nodezero::apps
