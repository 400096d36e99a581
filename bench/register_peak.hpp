// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string_view>

#include "model/kernels/precision.hpp"

namespace nodezero::bench {

/// Floating-point operations a second that one core does from registers alone, with the instruction
/// that the products of a level of kernels use in that precision; the best of some rounds. 0 for
/// "portable", and for levels unknown here.
double register_peak(std::string_view level, model::Precision precision);

}  // namespace nodezero::bench
