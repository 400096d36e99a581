// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/bf16.hpp"
#include "model/kernels/kernel_table.hpp"
#include "model/kernels/matrix.hpp"

namespace nodezero::model {

// Matrices as the factors of a product that the kernels take.

inline FloatFactor factor(const float* data, Index line_step, Index term_step) {
  return {data, line_step, term_step};
}
inline HalfFactor factor(const Bf16* data, Index line_step, Index term_step) {
  return {reinterpret_cast<const std::uint16_t*>(data), line_step, term_step};
}

/// Its rows are the lines of the left factor.
template <class Map>
auto left_factor(const Map& a) {
  const Index step = a.outerStride();
  return factor(a.data(), Map::IsRowMajor ? step : 1, Map::IsRowMajor ? 1 : step);
}

/// Its columns are the lines of the right factor.
template <class Map>
auto right_factor(const Map& b) {
  const Index step = b.outerStride();
  return factor(b.data(), Map::IsRowMajor ? 1 : step, Map::IsRowMajor ? step : 1);
}

template <class Left, class Right>
Product product_of(const Left& a, [[maybe_unused]] const Right& b, Matrix c, Vector scratch,
                   bool accumulate) {
  assert(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols());
  assert(scratch.size() >= product_scratch(c.rows(), c.cols(), a.cols()));
  return {c.rows(), c.cols(), a.cols(), c.data(), c.outerStride(), accumulate, scratch.data()};
}

}  // namespace nodezero::model
