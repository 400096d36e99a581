// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "model/kernels/kernel_table.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The kernels that the calling thread computes with. All levels give the same bits.
const KernelTable& kernels();

/// The names of the levels that this program has and this processor can run, slowest first:
/// portable, v3, v4, avx512-bf16, amx.
std::vector<std::string_view> available_kernels();

/// What select_kernels() chose last, else the best level.
std::string kernels_in_use();

/// Has all threads compute with the kernels of a level from now on: one of available_kernels(), or
/// several, separated by commas, of which each thread that computes takes the next in turn. Call it
/// while nothing computes. Fails with invalid_argument for a level that is unknown, or unavailable
/// here.
Result<void> select_kernels(std::string_view levels);

}  // namespace nodezero::model
