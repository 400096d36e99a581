// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// The scratch that the products below need for N and K up to these, in values of bf16.
std::size_t bf16_product_scratch(Index most_n, Index most_k);

/// c = a b, or c += a b with accumulate: a [M, K], b [K, N], c [M, N]. Products of bf16 are exact,
/// and sums are fp32. An fp32 factor is rounded while it is packed, so the weights need no copy in
/// bf16. The bits depend only on shapes and values.
///
/// If K is odd, the value after each row of a ConstBf16Matrix a is read too and multiplied by zero:
/// it must be readable and finite.
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
