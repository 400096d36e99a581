#pragma once

#include <cstdint>

namespace nodezero::apps {

/// Floating-point operations a second of large fp32 matrix products on that many threads at
/// once, each on matrices of its own: what this machine reaches now, not what its data sheet
/// says. Takes about half a second.
double measure_peak_rate(std::uint32_t threads);

}  // namespace nodezero::apps
