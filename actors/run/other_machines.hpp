// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "actors/run/assembly.hpp"
#include "actors/spheres/sphere.hpp"
#include "model/training/trained_model.hpp"

namespace nodezero::actors {

/// Of a run that is being spawned.
struct ActorsOfRun {
  SphereSettingsPtr spheres;
  std::shared_ptr<const model::TrainedModel> trained;
  optimizer_actor optimizer;
  model::TrainingProgress progress;  ///< where it stands
};

/// Has the steps of a run computed on other machines as well. A run without it knows nothing of
/// other machines, links no network and starts no thread for one.
class OtherMachines {
 public:
  virtual ~OtherMachines() = default;
  /// Before the system of the run is made.
  virtual void configure(caf::actor_system_config& config) = 0;
  /// Spawns the sphere that node_zero has for its only child; another one for each run. The other
  /// machines stay with the run that there is.
  virtual sphere_actor spawn(caf::actor_system& system, const RunSettings& settings,
                             const ActorsOfRun& run) = 0;
  /// All actors of the run with that sphere are there: has the other machines come to it. @throws
  /// std::runtime_error if they could not reach it
  virtual void begin(caf::actor_system& system, const sphere_actor& sphere) = 0;
  /// There will be no more runs: sends the other machines away, and waits for that a while.
  virtual void end() = 0;
};

/// Spawns a run, its workers and what it needs of other machines. If it throws, it leaves no actor
/// behind.
RunActors spawn_run_with(OtherMachines& others, caf::actor_system& system,
                         runtime::Scheduling scheduling, const RunSettings& settings,
                         Observer& observer);

}  // namespace nodezero::actors
