// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

namespace nodezero::model {

/// What stands between the two products of the MLP: GELU in GPT-2's tanh form, exact GELU
/// (Hendrycks, Gimpel: "Gaussian error linear units", 2016), or max(x, 0).
enum class Activation : std::uint8_t { gelu, gelu_exact, relu };

}  // namespace nodezero::model
