// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// y = x b: x [K], b [K, N], y [N]. The product of a step of generation. Reads b once, in the order
/// in which it lies in memory, which is what limits the speed. The bits depend only on shapes and
/// values.
void multiply_row(ConstVector x, ConstMatrix b, Vector y);
void multiply_row(ConstVector x, Transposed b, Vector y);

/// The same with b in bf16, which halves the bytes to read. x, y and the sums are fp32. Runs on any
/// processor.
void multiply_row(ConstVector x, ConstBf16Matrix b, Vector y);
void multiply_row(ConstVector x, TransposedBf16 b, Vector y);

}  // namespace nodezero::model
