// SPDX-License-Identifier: BSD-3-Clause

// A gate cannot be kept for a second answer.
// expect: use of deleted function
#include "actors/epoch_gate.hpp"

namespace actors = nodezero::actors;

actors::epoch_gate keep(actors::epoch_gate& gate) {
#ifdef NODEZERO_MISUSE
  return gate;
#else
  return std::move(gate);
#endif
}
