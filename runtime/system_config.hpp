// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>

#include "runtime/caf.hpp"

namespace nodezero::runtime {

/// How messages are run.
enum class Scheduling {
  threads,      ///< CAF's, which sleep when there is nothing to do
  own_threads,  ///< OwnThreads, whose start can fail in an orderly way
  testing,      ///< none: whoever holds the scheduler has the messages run
};

/// Settings for a system of our own: policy `sharing` (work stealing polls and burns
/// 15 % of a core at 100 messages a second), `workers` threads, and a bounded number of
/// messages a turn, so that no actor starves another.
void configure(caf::actor_system_config& config, Scheduling scheduling, std::size_t workers = 1);

/// To be called after making a system, or spawning in it, on a thread that is not the system's: CAF
/// has the thread hold the system's logger, and the system's end waits until nobody does.
void forget_system_on_this_thread();

/// Spawns an actor that computes for long: on a thread of its own under CAF's scheduler, whose few
/// workers it would block, and in place under the others.
template <class Actor, class... Args>
auto spawn_computing(caf::actor_system& system, Scheduling scheduling, Args&&... args) {
  if (scheduling == Scheduling::threads) {
    return system.spawn<Actor, caf::detached>(std::forward<Args>(args)...);
  }
  return system.spawn<Actor>(std::forward<Args>(args)...);
}

}  // namespace nodezero::runtime
