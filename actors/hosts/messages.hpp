// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the actors of this room say to each other within one machine; wire.hpp is what crosses.

#include "actors/interfaces.hpp"
#include "actors/wire.hpp"

namespace nodezero::actors {

/// coordinator -> the root's exchange: where the run stands, before a plan of that step. Elsewhere
/// the machine's own optimizer brings the weights.
struct use_weights {
  Envelope envelope;
  ParametersPtr weights;
};

/// The root's exchange -> coordinator, after a commit: the sum of all positions and the squared
/// norms of its blocks.
struct summed {
  std::uint64_t term = 0;
  Moved<Partial> partial;
};

/// Asks the coordinator to send all hosts away. Answered when they are gone, or after a while.
struct end_hosts {};
struct hosts_ended {};

/// coordinator's timer, while hosts are waited for.
struct waiting_tick {};

using exchange_actor =
    parent_actor::extend<Accepts<assign>, Accepts<abandon>, Accepts<use_weights>,
                         Accepts<wire::plan>, Accepts<wire::work>, Accepts<wire::commit>,
                         Accepts<wire::give_up>, Accepts<wire::part>, Accepts<wire::sum>,
                         Accepts<wire::credit>>;

using coordinator_actor =
    control_actor::extend<Accepts<summed>, Answers<end_hosts, hosts_ended>, Accepts<waiting_tick>,
                          Accepts<wire::join>, Accepts<wire::ready>, Accepts<wire::leaving>,
                          Accepts<wire::gathered>, Accepts<wire::failed>,
                          Accepts<wire::unreachable>, Accepts<wire::credit>>;

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::use_weights)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::summed)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::end_hosts)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::hosts_ended)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::waiting_tick)
