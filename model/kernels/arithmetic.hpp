// SPDX-License-Identifier: BSD-3-Clause
#pragma once

namespace nodezero::model {

/// The version of docs/arithmetic.md, which together with the data and the options decides every
/// bit. Version 1 left the order of sums to oneDNN, and with it to the instruction set.
inline constexpr int arithmetic_version = 2;

}  // namespace nodezero::model
