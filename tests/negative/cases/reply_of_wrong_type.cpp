// SPDX-License-Identifier: BSD-3-Clause

// The optimizer answers apply with its proof, not with weights.
// expect: unexpected handler at index 0
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

actors::optimizer_actor::behavior_type optimizer() {
  return {
#ifdef NODEZERO_MISUSE
      [](const actors::apply&) { return actors::exported_state{}; },
#else
      [](const actors::apply&) { return actors::optimizer_complete{}; },
#endif
      [](const actors::export_state&) { return actors::exported_state{}; },
  };
}
