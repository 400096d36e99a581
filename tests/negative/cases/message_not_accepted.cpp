// SPDX-License-Identifier: BSD-3-Clause

// A worker cannot tell the optimizer to apply what it computed: that is node_zero's to say.
// expect: receiver does not accept given message
#include "actors/interfaces.hpp"

namespace actors = nodezero::actors;

void send_upwards(caf::event_based_actor* self, const actors::parent_actor& parent,
                  actors::apply update, actors::report closing) {
#ifdef NODEZERO_MISUSE
  (void)closing;
  self->send(parent, std::move(update));
#else
  (void)update;
  self->send(parent, std::move(closing));
#endif
}
