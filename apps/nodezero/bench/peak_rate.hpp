// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/precision.hpp"

namespace nodezero::apps {

/// Floating-point operations per second of large matrix products in this precision, with each
/// thread working on matrices of its own: what the machine reaches now, not what its data sheet
/// says. Takes about half a second.
double measure_peak_rate(std::uint32_t threads, model::Precision precision);

}  // namespace nodezero::apps
