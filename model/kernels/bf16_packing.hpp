// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// Columns of a panel of the right factor: four registers of sums.
inline constexpr Index panel_columns = 64;

/// Columns of a packed block of a transposed left factor: rows of the product.
inline constexpr Index block_columns = 48;

/// Brings b [K, N], N <= 64, into the order in which the product reads it, rounded if it is fp32:
/// the pair (b[2i, j], b[2i + 1, j]) becomes pair i * width + j of `panel`, where width is N
/// rounded up to 16. What lies outside of b is zero.
void pack_panel(ConstMatrix b, Bf16* panel);
void pack_panel(Transposed b, Bf16* panel);
void pack_panel(ConstBf16Matrix b, Bf16* panel);
void pack_panel(TransposedBf16 b, Bf16* panel);

}  // namespace nodezero::model
