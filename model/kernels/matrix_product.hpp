// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// A matrix operand in row-major storage, taken as it is or transposed.
struct MatrixView {
  const float* data;
  std::int64_t stride;  ///< floats from one stored row to the next
  bool transposed = false;
};

/// c[m, n] = a[m, k] b[k, n], or c += a b with accumulate. Rows of c are c_stride apart. Only
/// the calling thread works, under a FloatingPointScope; the bits depend on sizes and values, not
/// on addresses.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, MatrixView a, MatrixView b, float* c,
              std::int64_t c_stride, bool accumulate = false);

}  // namespace nodezero::model
