// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "model/kernels/kernel_table.hpp"

namespace nodezero::model {

/// Whether this processor has AMX with bf16 and the system lets this process use it, which this
/// asks for.
bool has_tile_unit();

/// Whether both compute the same bits, tried with one product that has tiles of every kind of size.
bool have_same_tile_products(const HalfProducts& one, const HalfProducts& other);

}  // namespace nodezero::model
