// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// What the actors of this room say to each other within one machine; wire.hpp is what crosses.

#include <cstdint>
#include <vector>

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

/// host_session -> exchange: the sum of a step that this machine had no part in. Accepted while it
/// has none in the open step either. Answered when it is applied.
struct apply_missed {
  model::TrainingProgress progress;  ///< after the step
  Moved<GradientLease> sum;
  std::int64_t valid_tokens = 0;
  std::vector<double> squared_norms;
};
struct missed_applied {};

/// host_session -> exchange: the part in the run has ended. Answered, between updates, with the
/// state; nothing is accepted afterwards.
struct hand_over {};
struct handed_over {
  model::TrainingProgress progress;
  exported_state state;
};

/// Asks the coordinator to send all hosts away. Answered when they are gone, or after a while.
struct end_hosts {};
struct hosts_ended {};
/// What hosts are told then.
inline constexpr auto run_has_ended = "the run has ended";

/// What others find at the address of a root. Passes who joins to the coordinator of the run that
/// there is, from which the answer comes.
struct open_door;
struct hosts_return;
using hosts_door_actor = caf::typed_actor<Accepts<open_door>, Accepts<hosts_return>,
                                          Answers<end_hosts, hosts_ended>, Accepts<wire::join>>;

/// HostsOfRun -> coordinator: another run follows, which the hosts come back to. It ends.
struct send_hosts_back {
  hosts_door_actor door;
};
/// coordinator -> hosts_door: these processes join again soon.
struct hosts_return {
  std::vector<std::uint64_t> processes;
};

/// coordinator's timer, while hosts are waited for.
struct waiting_tick {};

/// coordinator's timer, while all machines but one have computed their part of a step.
struct backup_tick {};

/// state_fetcher's timer.
struct patience_tick {};

using exchange_actor = parent_actor::extend<
    Accepts<assign>, Accepts<abandon>, Accepts<use_weights>, Accepts<wire::plan>,
    Accepts<wire::back_up>, Accepts<wire::work>, Accepts<wire::commit>, Accepts<wire::give_up>,
    Accepts<wire::count_progress>, Accepts<wire::part>, Accepts<wire::sum>, Accepts<wire::credit>,
    Answers<apply_missed, missed_applied>, Answers<hand_over, handed_over>>;

using coordinator_actor =
    control_actor::extend<Accepts<summed>, Answers<end_hosts, hosts_ended>,
                          Accepts<send_hosts_back>, Answers<count_finished, finished_count>,
                          Accepts<waiting_tick>, Accepts<backup_tick>, Accepts<wire::join>,
                          Accepts<wire::ready>, Accepts<wire::leaving>, Accepts<wire::finished>,
                          Accepts<wire::gathered>, Accepts<wire::progress>, Accepts<wire::failed>,
                          Accepts<wire::unreachable>, Accepts<wire::credit>>;

/// HostsOfRun -> hosts_door: there is a run.
struct open_door {
  coordinator_actor coordinator;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::use_weights)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::summed)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::apply_missed)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::missed_applied)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::hand_over)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::handed_over)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::end_hosts)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::hosts_ended)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::send_hosts_back)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::hosts_return)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::open_door)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::waiting_tick)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::backup_tick)
NODEZERO_LOCAL_MESSAGE(nodezero::actors::patience_tick)
