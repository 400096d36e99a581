// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "nodezero/error.hpp"

namespace caf {
class actor_system;
class actor_system_config;
}  // namespace caf

namespace nodezero::actors {

struct RunActors;

/// Actors of somebody else in the system of a run, such as those that serve its model.
class Companion {
 public:
  virtual ~Companion() = default;

  /// Threads of its own that give_worker can give its actors.
  virtual std::size_t workers() const = 0;
  /// Before the system is made.
  virtual void configure(caf::actor_system_config& config) = 0;
  /// Once the run's actors exist. If it fails, there is no run.
  virtual Result<void> start(caf::actor_system& system, const RunActors& actors) = 0;
  /// Before they end. Returns when its own actors have ended or are told to, and holds no handles.
  virtual void end() = 0;
};

}  // namespace nodezero::actors
