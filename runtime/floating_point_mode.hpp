// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cfenv>
#include <optional>

namespace nodezero::runtime {

/// While it lives, this thread computes in the default floating-point environment: it rounds to
/// nearest, keeps denormals and traps nothing. Then what the host had set is back, and no flag of
/// an exception is left behind. Actors run in it wherever they run, and so do a host's calls.
class FloatingPointMode {
 public:
  FloatingPointMode();
  ~FloatingPointMode();
  FloatingPointMode(const FloatingPointMode&) = delete;
  FloatingPointMode& operator=(const FloatingPointMode&) = delete;

 private:
  unsigned control_and_status_;       ///< of the SSE and AVX instructions
  std::optional<std::fenv_t> whole_;  ///< if the x87's control differs as well, which is slow
};

}  // namespace nodezero::runtime
