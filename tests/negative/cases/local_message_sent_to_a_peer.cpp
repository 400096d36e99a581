// SPDX-License-Identifier: BSD-3-Clause

// A message of this process cannot be sent to another one: its pointers mean nothing there.
// expect: constraints not satisfied
#include "actors/messages.hpp"
#include "actors/wire.hpp"

namespace actors = nodezero::actors;

void tell(caf::event_based_actor& self, const nodezero::runtime::Peer& peer) {
#ifdef NODEZERO_MISUSE
  peer.send(self, actors::abandon{});
#else
  peer.send(self, actors::wire::give_up{});
#endif
}
