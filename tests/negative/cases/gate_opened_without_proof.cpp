// SPDX-License-Identifier: BSD-3-Clause

// A gate is not opened with anything but the optimizer's proof, such as the reports of the
// spheres.
// expect: cannot convert
#include "actors/epoch_gate.hpp"
#include "actors/messages.hpp"

namespace actors = nodezero::actors;

void end_epoch(actors::epoch_gate gate, const actors::report& reported,
               const actors::optimizer_complete& proof) {
#ifdef NODEZERO_MISUSE
  std::move(gate).complete(reported);
#else
  (void)reported;
  std::move(gate).complete(proof);
#endif
}
