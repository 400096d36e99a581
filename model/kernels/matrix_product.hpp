// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// c = a b, or c += a b with accumulate: a [M, K], b [K, N], c [M, N]. Uses only the calling
/// thread, which must hold a FloatingPointScope. The bits depend on shapes and values, not on
/// addresses.
void multiply(ConstMatrix a, ConstMatrix b, Matrix c, bool accumulate = false);

/// The same with a stored as its transpose [K, M].
void multiply(Transposed a, ConstMatrix b, Matrix c, bool accumulate = false);

/// The same with b stored as its transpose [N, K].
void multiply(ConstMatrix a, Transposed b, Matrix c, bool accumulate = false);

}  // namespace nodezero::model
