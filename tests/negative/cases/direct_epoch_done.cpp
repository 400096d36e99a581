// SPDX-License-Identifier: BSD-3-Clause

// An epoch's success with content comes out of an epoch_gate alone: the default-made
// epoch_done that anybody may build is unsealed, and the driver refuses it.
// expect: is private within this context
#include "actors/epoch_gate.hpp"

namespace actors = nodezero::actors;

bool anybody() {
#ifdef NODEZERO_MISUSE
  return actors::epoch_done(actors::Envelope{}).sealed();
#else
  return actors::epoch_done().sealed();
#endif
}
