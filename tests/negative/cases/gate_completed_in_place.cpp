// SPDX-License-Identifier: BSD-3-Clause

// A gate is consumed by its answer: it must be moved from.
// expect: discards qualifiers
#include "actors/epoch_gate.hpp"

namespace actors = nodezero::actors;

void end_epoch(actors::epoch_gate& gate, const actors::optimizer_complete& proof) {
#ifdef NODEZERO_MISUSE
  gate.complete(proof);
#else
  std::move(gate).complete(proof);
#endif
}
