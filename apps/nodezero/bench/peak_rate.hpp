// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/precision.hpp"

namespace nodezero::apps {

/// Floating-point operations a second of large matrix products of that precision on that many
/// threads at once, each on matrices of its own: what this machine reaches now, not what its data
/// sheet says. Takes about half a second.
double measure_peak_rate(std::uint32_t threads, model::Precision precision);

}  // namespace nodezero::apps
