// SPDX-License-Identifier: BSD-3-Clause

// The learner of nodezero/caf.hpp: a keeper in a host's actor system.

#include <exception>
#include <utility>

#include "actors/embedding/host_run.hpp"
#include "actors/embedding/keeper.hpp"
#include "runtime/floating_point_mode.hpp"

namespace nodezero {

Result<learner_actor> spawn_learner(caf::actor_system& system,
                                    std::shared_ptr<const AnyTrainable> model,
                                    TrainerOptions options) {
  options.running = Running::own_threads;
  const runtime::FloatingPointMode mode;
  try {
    if (options.machines) {
      return fail(ErrorCode::invalid_argument,
                  "a learner in a host's own system trains on this machine alone");
    }
    auto trained = actors::trained_model(model, options);
    if (!trained) {
      return fail(std::move(trained.error()));
    }
    const auto queue = options.batches ? nullptr
                                       : std::make_shared<actors::BatchQueue>(
                                             options.queue_bound, options.when_full, true);
    const auto board = std::make_shared<actors::HostBoard>(options, queue);
    board->set_threads({.lanes = options.threads, .observers = 1, .checkpointers = 1});
    auto run = actors::host_run_settings(model, std::move(*trained), options, queue);
    return actors::spawn_keeper(system, runtime::Scheduling::threads,
                                {std::move(model), board, std::move(run)});
  } catch (const std::exception& error) {
    return fail(ErrorCode::internal, std::string("the learner cannot begin: ") + error.what());
  }
}

}  // namespace nodezero
