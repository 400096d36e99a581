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

class OtherMachines;

/// The actors that compute, wait for disks and call the host, on threads of their own where there
/// are threads. They serve one run after the other.
struct Workers {
  std::vector<lane_actor> lanes;
  observer_actor observer;
  checkpointer_actor checkpointer;

  std::vector<caf::actor> all() const;
  void send_exit() const;
};

/// The actors of one run in a system that somebody owns. They end when they are sent an
/// exit; the spheres end with node_zero.
struct RunActors {
  Workers workers;
  lane_scheduler_actor lane_scheduler;
  corpus_actor corpus;
  optimizer_actor optimizer;
  inference_actor inference;
  lifecycle_actor lifecycle;
  node_zero_actor root;
  driver_actor driver;
  std::shared_ptr<GradientPool> gradients;

  /// Sends an exit to all of them but the workers, which another run may use.
  void leave_workers() const;
  /// The same in two parts: whoever trains, and whoever answers from the last weights.
  void stop_training() const;
  void stop_answering() const;
  /// Sends an exit to all of them.
  void send_exit() const;
};

/// Spawns one of the lanes of a run; they are numbered from 0.
using LaneSpawner = std::function<lane_actor(std::uint32_t)>;

// If these throw, they leave no actor behind.

/// `observer` must outlive the actors. Without a spawner the lanes compute the settings' model.
/// @throws std::bad_alloc, std::system_error if a thread cannot be started
Workers spawn_workers(caf::actor_system& system, runtime::Scheduling scheduling,
                      const RunSettings& settings, Observer& observer,
                      const LaneSpawner& spawn_lane = nullptr);

/// Spawns a run with workers that no other run uses. `others` take part in it; null: nobody.
/// @throws std::bad_alloc, and what OtherMachines does
RunActors spawn_run(caf::actor_system& system, const RunSettings& settings, Workers workers,
                    OtherMachines* others = nullptr);

/// Spawns a run and its workers.
RunActors spawn_run(caf::actor_system& system, runtime::Scheduling scheduling,
                    const RunSettings& settings, Observer& observer,
                    const LaneSpawner& spawn_lane = nullptr);

}  // namespace nodezero::actors
