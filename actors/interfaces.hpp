// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Who accepts what: the typed handles of the actors.

#include "actors/epoch_gate.hpp"
#include "actors/lane_messages.hpp"
#include "actors/messages.hpp"
#include "runtime/caf.hpp"

namespace nodezero::actors {

using runtime::Accepts;
using runtime::Answers;

using sphere_actor = caf::typed_actor<Accepts<assign>, Accepts<abandon>>;

/// What a sphere sees of its parent.
using parent_actor = caf::typed_actor<Accepts<gradient>, Accepts<report>, Accepts<step_failed>>;

using control_actor = parent_actor::extend_with<sphere_actor>;

/// node_zero's timer: has anything happened since the last tick?
struct watchdog_tick {
  std::uint64_t generation = 0;
};

using node_zero_actor =
    parent_actor::extend<Answers<begin_epoch, epoch_done>, Answers<evaluate, EvaluationSummary>,
                         Answers<halt, halted>, Accepts<watchdog_tick>>;

using corpus_actor = caf::typed_actor<Answers<plan_step, step_plan>>;

using optimizer_actor =
    caf::typed_actor<Answers<apply, optimizer_complete>, Answers<export_state, exported_state>>;

/// Whom the lifecycle asks to discard an unfinished step and save.
using haltable_actor = caf::typed_actor<Answers<halt, halted>>;

/// node_zero -> lifecycle: here I am. The first message of a run.
struct introduction {
  haltable_actor root;
};

/// lifecycle's timer: a waiting generate has waited long enough. lifecycle -> inference: forget the
/// request, its time is up.
struct inference_deadline {
  std::uint64_t request = 0;
};

using lifecycle_actor =
    caf::typed_actor<Accepts<introduction>, Accepts<training>, Accepts<snapshot>,
                     Accepts<epoch_failed>, Answers<generate, generated>, Answers<stop, stopped>,
                     Accepts<inference_deadline>, Accepts<abandon_request>>;

using inference_actor = caf::typed_actor<Answers<infer, generated>, Accepts<inference_deadline>,
                                         Accepts<abandon_request>>;

using checkpointer_actor = caf::typed_actor<Answers<save, saved>, Answers<save_best, saved>>;

using observer_actor = caf::typed_actor<Accepts<telemetry_step>, Accepts<telemetry_evaluation>,
                                        Accepts<telemetry_epoch>, Accepts<telemetry_sample>,
                                        Accepts<telemetry_checkpoint>, Accepts<telemetry_notice>,
                                        Answers<telemetry_flush, telemetry_flushed>>;

using driver_actor = caf::typed_actor<Answers<run_all, run_ended>>;

}  // namespace nodezero::actors

NODEZERO_SHARED_MESSAGE(nodezero::actors::introduction)
NODEZERO_SHARED_MESSAGE(nodezero::actors::watchdog_tick)
NODEZERO_SHARED_MESSAGE(nodezero::actors::inference_deadline)
