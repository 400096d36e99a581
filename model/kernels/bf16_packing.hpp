// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/matrix.hpp"

namespace nodezero::model {

/// Columns of a panel of the right factor: four registers of sums.
inline constexpr Index panel_columns = 64;

/// Columns of a packed block of a transposed left factor, which are rows of the product.
inline constexpr Index block_columns = 48;

/// Copies b [K, N], N <= 64, in the order in which the product reads it, rounding fp32 on the way:
/// the pair (b[2i, j], b[2i + 1, j]) becomes pair i * width + j of `panel`, where width is N
/// rounded up to a multiple of 16. Pairs outside of b are filled with zeros. Writes
/// K (rounded up to even) * width values.
void pack_panel(ConstMatrix b, Bf16* panel);
void pack_panel(Transposed b, Bf16* panel);
void pack_panel(ConstBf16Matrix b, Bf16* panel);
void pack_panel(TransposedBf16 b, Bf16* panel);

}  // namespace nodezero::model
