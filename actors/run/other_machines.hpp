// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "actors/gradient_pool.hpp"
#include "actors/interfaces.hpp"
#include "actors/run/assembly.hpp"
#include "actors/spheres/sphere.hpp"

namespace nodezero::actors {

/// Has the steps of a run computed on other machines as well. A run without it knows nothing of
/// other machines, links no network and starts no thread for one.
class OtherMachines {
 public:
  virtual ~OtherMachines() = default;
  /// Before the system of the run is made.
  virtual void configure(caf::actor_system_config& config) = 0;
  /// Spawns the sphere that node_zero has for its only child. @throws std::runtime_error if nobody
  /// could reach it
  virtual sphere_actor spawn(caf::actor_system& system, const SphereSettingsPtr& spheres,
                             const std::shared_ptr<const model::TensorLayout>& layout,
                             const optimizer_actor& optimizer) = 0;
  /// The run has ended: sends the other machines away, and waits for that a while.
  virtual void end() = 0;
};

/// Spawns a run, its workers and what it needs of other machines. If it throws, it leaves no actor
/// behind.
RunActors spawn_run_with(OtherMachines& others, caf::actor_system& system,
                         runtime::Scheduling scheduling, const RunSettings& settings,
                         Observer& observer);

}  // namespace nodezero::actors
