// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/bf16.hpp"
#include "model/kernels/kernel_table.hpp"
#include "model/kernels/matrix.hpp"

namespace nodezero::model {

// Matrices as the factors of a product that the kernels take.

inline const float* stored(const float* data) {
  return data;
}
inline const std::uint16_t* stored(const Bf16* data) {
  return reinterpret_cast<const std::uint16_t*>(data);
}

/// Its rows are the lines of the left factor.
template <class Map>
auto left_factor(const Map& a) {
  const Index step = a.outerStride();
  return Factor{stored(a.data()), Map::IsRowMajor ? step : 1, Map::IsRowMajor ? 1 : step};
}

/// Its columns are the lines of the right factor.
template <class Map>
auto right_factor(const Map& b) {
  const Index step = b.outerStride();
  return Factor{stored(b.data()), Map::IsRowMajor ? 1 : step, Map::IsRowMajor ? step : 1};
}

template <class Left, class Right>
Product product_of(const Left& a, [[maybe_unused]] const Right& b, Matrix c, Vector scratch,
                   bool accumulate) {
  assert(a.cols() == b.rows() && c.rows() == a.rows() && c.cols() == b.cols());
  assert(scratch.size() >= product_scratch(c.rows(), c.cols(), a.cols()));
  return {c.rows(), c.cols(), a.cols(), c.data(), c.outerStride(), accumulate, scratch.data()};
}

}  // namespace nodezero::model
