// SPDX-License-Identifier: BSD-3-Clause

// A gate is consumed by its refusal too.
// expect: discards qualifiers
#include "actors/epoch_gate.hpp"

namespace actors = nodezero::actors;

void fail_epoch(actors::epoch_gate& gate, nodezero::Error reason) {
#ifdef NODEZERO_MISUSE
  gate.fail(std::move(reason));
#else
  std::move(gate).fail(std::move(reason));
#endif
}
