// SPDX-License-Identifier: BSD-3-Clause

// Whoever asks for an epoch reads the answer that it has.
// expect: wrong functor signature
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

void run_epoch(caf::event_based_actor* self, const actors::node_zero_actor& node_zero) {
  self->request(node_zero, caf::infinite, actors::begin_epoch{})
#ifdef NODEZERO_MISUSE
      .then([](const actors::report&) {});
#else
      .then([](const actors::epoch_done&) {});
#endif
}
