// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// Values of bf16 that the products below need as scratch for N and K up to these.
std::size_t bf16_product_scratch(Index most_n, Index most_k);

/// c = a b, or c += a b with accumulate: a [M, K], b [K, N], c [M, N]. Products of bf16 are exact
/// and their sums are fp32. An fp32 factor is rounded while it is packed, so no copy of the weights
/// in bf16 exists. The bits depend on shapes and values alone.
///
/// If K is odd, the value behind each row of a [M, K] is read and multiplied by zero: it must be
/// readable, and finite for c to be.
void multiply(ConstBf16Matrix a, ConstMatrix b, Matrix c, Bf16Vector scratch,
              bool accumulate = false);
void multiply(ConstBf16Matrix a, Transposed b, Matrix c, Bf16Vector scratch,
              bool accumulate = false);
void multiply(ConstBf16Matrix a, ConstBf16Matrix b, Matrix c, Bf16Vector scratch,
              bool accumulate = false);
void multiply(ConstBf16Matrix a, TransposedBf16 b, Matrix c, Bf16Vector scratch,
              bool accumulate = false);
void multiply(TransposedBf16 a, ConstBf16Matrix b, Matrix c, Bf16Vector scratch,
              bool accumulate = false);

}  // namespace nodezero::model
