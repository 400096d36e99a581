// SPDX-License-Identifier: BSD-3-Clause
#include "runtime/floating_point_mode.hpp"

#include <fpu_control.h>
#include <xmmintrin.h>

namespace nodezero::runtime {
namespace {

/// MXCSR after reset: all exceptions masked, round to nearest, no flush-to-zero, no
/// denormals-are-zero.
constexpr unsigned default_control_and_status = 0x1F80;

bool is_x87_as_after_reset() {
  fpu_control_t control = 0;
  _FPU_GETCW(control);
  return control == _FPU_DEFAULT;
}

}  // namespace

FloatingPointMode::FloatingPointMode() : control_and_status_(_mm_getcsr()) {
  // Nothing of ours computes with the x87, but the libraries below us do, in long double.
  if (!is_x87_as_after_reset()) {
    std::fegetenv(&whole_.emplace());
    std::fesetenv(FE_DFL_ENV);
  }
  _mm_setcsr(default_control_and_status);
}

FloatingPointMode::~FloatingPointMode() {
  if (whole_) {
    std::fesetenv(&*whole_);
  }
  _mm_setcsr(control_and_status_);
}

}  // namespace nodezero::runtime
