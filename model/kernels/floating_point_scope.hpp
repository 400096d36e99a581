// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cfenv>

namespace nodezero::model {

/// While this object exists, the calling thread rounds to nearest, does not flush subnormal numbers
/// to zero and traps nothing. The destructor restores what the host had set. Whoever starts
/// computing on a thread of the host holds one, so that the host's settings cannot change a bit of
/// the result.
class FloatingPointScope {
 public:
  FloatingPointScope();
  ~FloatingPointScope();
  FloatingPointScope(const FloatingPointScope&) = delete;
  FloatingPointScope& operator=(const FloatingPointScope&) = delete;

 private:
  std::fenv_t host_;
};

}  // namespace nodezero::model
