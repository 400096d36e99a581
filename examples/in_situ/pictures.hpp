// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <vector>

#include "gray_scott.hpp"
#include "surrogate.hpp"

/// Truth, prediction and ten times their difference side by side, as a PNG; v of each. The
/// region is outlined. @throws std::runtime_error
void write_comparison(const std::string& path, const Fields& truth, const Fields& prediction,
                      const Region& region);

/// A curve over its index, with a logarithmic axis from the least to the largest value and a
/// labelled line at each power of ten. @throws std::runtime_error
void write_curve(const std::string& path, const std::vector<double>& values);
