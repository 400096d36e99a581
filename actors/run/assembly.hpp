// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/interfaces.hpp"
#include "actors/run/feed.hpp"
#include "actors/settings.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::actors {

/// The actors of one run in a system that somebody owns. They end when they are sent an
/// exit; the spheres end with node_zero.
struct RunActors {
  std::vector<lane_actor> lanes;
  lane_scheduler_actor lane_scheduler;
  observer_actor observer;
  corpus_actor corpus;
  feed_actor feed;  ///< the corpus, if a host submits the batches
  optimizer_actor optimizer;
  inference_actor inference;
  lifecycle_actor lifecycle;
  checkpointer_actor checkpointer;
  node_zero_actor root;
  driver_actor driver;
  std::shared_ptr<GradientPool> gradients;

  /// Sends an exit to all of them.
  void send_exit() const;
};

/// Spawns one of the lanes of a run; they are numbered from 0.
using LaneSpawner = std::function<lane_actor(std::uint32_t)>;

/// Spawns a run. `observer` must outlive the actors. @throws std::bad_alloc
RunActors spawn_run(caf::actor_system& system, runtime::Scheduling scheduling,
                    const RunSettings& settings, Observer& observer);

/// The same with lanes of the caller's.
RunActors spawn_run(caf::actor_system& system, runtime::Scheduling scheduling,
                    const RunSettings& settings, Observer& observer, const LaneSpawner& spawn_lane);

}  // namespace nodezero::actors
