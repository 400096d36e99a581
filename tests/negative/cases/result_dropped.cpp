// SPDX-License-Identifier: BSD-3-Clause

// A result is looked at: what went wrong must not get lost.
// expect: ignoring returned value
#include "nodezero/error.hpp"

#pragma GCC diagnostic error "-Wunused-result"

nodezero::Result<void> save();

bool is_saved() {
#ifdef NODEZERO_MISUSE
  save();
  return true;
#else
  return save().has_value();
#endif
}
