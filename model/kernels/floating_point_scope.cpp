// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/floating_point_scope.hpp"

#include <omp.h>
#include <xmmintrin.h>

namespace nodezero::model {
namespace {

/// MXCSR after reset: all exceptions masked, round to nearest, no flush-to-zero, no
/// denormals-are-zero.
constexpr unsigned default_control_and_status = 0x1F80;

}  // namespace

FloatingPointScope::FloatingPointScope()
    : control_and_status_(_mm_getcsr()), openmp_threads_(omp_get_max_threads()) {
  _mm_setcsr(default_control_and_status);
  omp_set_num_threads(1);
}

FloatingPointScope::~FloatingPointScope() {
  omp_set_num_threads(openmp_threads_);
  _mm_setcsr(control_and_status_);
}

}  // namespace nodezero::model
