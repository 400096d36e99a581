// SPDX-License-Identifier: BSD-3-Clause

// Only the optimizer mints a sealed optimizer_complete.
// expect: is private within this context
#include "actors/optimizer_complete.hpp"

namespace actors = nodezero::actors;

bool anybody() {
#ifdef NODEZERO_MISUSE
  return actors::optimizer_complete(nodezero::runtime::Envelope{}, nullptr, nullptr, 1.0, 1e-3)
      .sealed();
#else
  return actors::optimizer_complete().sealed();
#endif
}
