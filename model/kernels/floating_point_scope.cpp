// SPDX-License-Identifier: BSD-3-Clause
#include "model/kernels/floating_point_scope.hpp"

#include <cfenv>

namespace nodezero::model {

FloatingPointScope::FloatingPointScope() {
  std::fegetenv(&host_);
  std::fesetenv(FE_DFL_ENV);
}

FloatingPointScope::~FloatingPointScope() {
  std::fesetenv(&host_);
}

}  // namespace nodezero::model
