// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cfenv>
#include <xmmintrin.h>

#include <gtest/gtest.h>

namespace nodezero::testing {

/// What a host may have set for a thread, which threads that this one starts inherit.
struct Mode {
  const char* name;
  int rounding;
  bool flushes_to_zero;
  int traps;
};
constexpr Mode modes[] = {{"upward", FE_UPWARD, false, 0},
                          {"downward", FE_DOWNWARD, true, 0},
                          {"toward zero", FE_TOWARDZERO, true, FE_INVALID | FE_DIVBYZERO},
                          {"all traps", FE_TONEAREST, false, FE_ALL_EXCEPT}};
constexpr Mode default_mode = {"default", FE_TONEAREST, false, 0};

class HostMode {
 public:
  explicit HostMode(const Mode& mode) {
    std::fegetenv(&before_);
    std::fesetround(mode.rounding);
    if (mode.flushes_to_zero) {
      _mm_setcsr(_mm_getcsr() | 0x8040);
    }
    std::feclearexcept(FE_ALL_EXCEPT);
    feenableexcept(mode.traps);
  }
  ~HostMode() { std::fesetenv(&before_); }
  HostMode(const HostMode&) = delete;
  HostMode& operator=(const HostMode&) = delete;

 private:
  std::fenv_t before_;
};

/// Calls the function as a host does that computes in this way.
template <class Function>
auto in_mode(const Mode& mode, Function function) {
  const HostMode set(mode);
  const unsigned before = _mm_getcsr();
  const int rounding = std::fegetround(), traps = fegetexcept();
  auto result = function();
  EXPECT_EQ(_mm_getcsr(), before) << mode.name;
  EXPECT_EQ(std::fegetround(), rounding) << mode.name;
  EXPECT_EQ(fegetexcept(), traps) << mode.name;
  return result;
}

inline bool is_default_mode() {
  return (_mm_getcsr() & 0xFFC0) == 0x1F80 && std::fegetround() == FE_TONEAREST &&
         fegetexcept() == 0;
}

}  // namespace nodezero::testing
