// SPDX-License-Identifier: BSD-3-Clause

// A sphere handles nothing beside its interface.
// expect: too many message handlers
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

actors::sphere_actor::behavior_type sphere() {
  return {
      [](const actors::assign&) {},
      [](const actors::abandon&) {},
#ifdef NODEZERO_MISUSE
      [](const actors::stop&) {},
#endif
  };
}
