// SPDX-License-Identifier: BSD-3-Clause

// An unsealed proof cannot be turned into a sealed one.
// expect: is private within this context
#include "actors/optimizer_complete.hpp"

void forge(nodezero::actors::optimizer_complete& proof) {
#ifdef NODEZERO_MISUSE
  proof.sealed_ = true;
#else
  (void)proof.sealed();
#endif
}
