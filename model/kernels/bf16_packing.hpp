// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/bf16_product.hpp"

namespace nodezero::model {

/// Columns of a panel of the right factor: four registers of sums.
inline constexpr std::int64_t panel_columns = 64;

/// Columns of a packed block of a transposed left factor: rows of the product.
inline constexpr std::int64_t block_columns = 48;

/// Brings rows [0, k) and columns [0, n), n <= 64, of b into the order in which the product
/// reads them: the pair (b[2i, j], b[2i + 1, j]) is pair i * width + j of `panel`, with width =
/// n rounded up to 16. What lies outside of b is zero.
void pack_panel(std::int64_t k, std::int64_t n, const MatrixView& b, Bf16* panel);
void pack_panel(std::int64_t k, std::int64_t n, const Bf16View& b, Bf16* panel);

}  // namespace nodezero::model
