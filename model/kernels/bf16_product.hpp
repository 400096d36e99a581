// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>

#include "model/kernels/bf16.hpp"
#include "model/kernels/matrix_product.hpp"

namespace nodezero::model {

/// A matrix operand of bf16 in row-major storage, taken as it is or transposed. An untransposed
/// left factor with an odd number of columns is read one column further, times zero: what stands
/// there must be readable and is wanted finite.
struct Bf16View {
  const Bf16* data;
  std::int64_t stride;  ///< values from one stored row to the next
  bool transposed = false;
};

/// Values of bf16 that the products below need as scratch for m, n and k up to these.
std::size_t bf16_product_scratch(std::int64_t most_n, std::int64_t most_k);

/// c[m, n] = a[m, k] b[k, n] with a as stored, or c += a b with accumulate. Products of bf16 are
/// exact and their sums are fp32; an fp32 factor is rounded while it is brought into the order
/// in which it is read, so that no copy of the weights in bf16 exists. Rows of c are c_stride
/// apart. The bits depend on sizes and values alone.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Bf16View a, MatrixView b, float* c,
              std::int64_t c_stride, bool accumulate, Bf16* scratch);

/// The same for any two factors of bf16.
void multiply(std::int64_t m, std::int64_t n, std::int64_t k, Bf16View a, Bf16View b, float* c,
              std::int64_t c_stride, bool accumulate, Bf16* scratch);

}  // namespace nodezero::model
