// SPDX-License-Identifier: BSD-3-Clause

// A gate holds the promise of begin_epoch, not an untyped one that would deliver anything.
// expect: no matching function for call
#include "actors/epoch_gate.hpp"

namespace actors = nodezero::actors;

actors::epoch_gate guard(caf::response_promise raw, actors::epoch_gate::promise answer) {
#ifdef NODEZERO_MISUSE
  (void)answer;
  return actors::epoch_gate(std::move(raw), actors::Envelope{}, 0);
#else
  (void)raw;
  return actors::epoch_gate(std::move(answer), actors::Envelope{}, 0);
#endif
}
