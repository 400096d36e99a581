// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// y = x b for x [K], b [K, N], y [N]: the product of generation. Reads the matrix once, in the
/// order in which it lies in memory, and that alone decides its speed. The bits depend on shapes
/// and values alone.
void multiply_row(ConstVector x, ConstMatrix b, Vector y);
void multiply_row(ConstVector x, Transposed b, Vector y);

/// The same with b in bf16, half as many bytes to read. x, y and the sums are fp32. Runs on any
/// processor.
void multiply_row(ConstVector x, ConstBf16Matrix b, Vector y);
void multiply_row(ConstVector x, TransposedBf16 b, Vector y);

}  // namespace nodezero::model
