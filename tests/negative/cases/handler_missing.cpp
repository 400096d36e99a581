// SPDX-License-Identifier: BSD-3-Clause

// A sphere handles all of its interface.
// expect: not enough message handlers
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

actors::sphere_actor::behavior_type sphere() {
  return {
      [](const actors::assign&) {},
#ifndef NODEZERO_MISUSE
      [](const actors::abandon&) {},
#endif
  };
}
