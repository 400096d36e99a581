// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/assembly.hpp"

#include <algorithm>
#include <utility>

#include "actors/inference/inference.hpp"
#include "actors/inference/lifecycle.hpp"
#include "actors/lanes/lane.hpp"
#include "actors/lanes/lane_scheduler.hpp"
#include "actors/run/checkpointer.hpp"
#include "actors/run/corpus.hpp"
#include "actors/run/driver.hpp"
#include "actors/run/node_zero.hpp"
#include "actors/run/observer_bridge.hpp"
#include "actors/run/optimizer.hpp"
#include "actors/run/other_machines.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

using Layout = std::shared_ptr<const model::TensorLayout>;

void copy_values(const model::TensorSet& from, model::TensorSet& to) {
  std::ranges::copy(from.values(), to.values().begin());
}

std::shared_ptr<model::Parameters> starting_weights(const RunSettings& settings,
                                                    const model::TrainedModel& trained) {
  const Layout layout = trained.layout();
  auto weights = std::make_shared<model::Parameters>(layout);
  if (settings.resume) {
    copy_values(*settings.resume->weights, *weights);
  } else if (settings.initial_weights) {
    copy_values(*settings.initial_weights, *weights);
  } else {
    trained.initialize(settings.training.seed, *weights);
  }
  return weights;
}

std::shared_ptr<model::OptimizerState> starting_state(const RunSettings& settings,
                                                      const Layout& layout) {
  auto state = std::make_shared<model::OptimizerState>(layout);
  if (settings.resume) {
    copy_values(settings.resume->optimizer->first_moment, state->first_moment);
    copy_values(settings.resume->optimizer->second_moment, state->second_moment);
    state->step = settings.resume->optimizer->step;
  }
  return state;
}

model::TrainingProgress starting_progress(const RunSettings& settings) {
  model::TrainingProgress progress;
  if (settings.resume) {
    progress = settings.resume->progress;
  }
  progress.run = settings.run;
  return progress;
}

std::shared_ptr<const model::TrainedModel> trained_model(const RunSettings& settings) {
  return settings.trained ? settings.trained : model::gpt2_model(settings.training);
}

void end(const auto& handle) {
  if (handle) {  // it may not have been spawned
    caf::anon_send_exit(handle, caf::exit_reason::kill);
  }
}

/// Ends a lane before the work that waits for it.
void end_at_once(const lane_actor& lane) {
  caf::actor_cast<caf::strong_actor_ptr>(lane)->enqueue(
      nullptr, caf::make_message_id(caf::message_priority::high),
      caf::make_message(caf::exit_msg{lane.address(), caf::exit_reason::kill}), nullptr);
}

}  // namespace

Workers spawn_workers(caf::actor_system& system, runtime::Scheduling scheduling,
                      const RunSettings& settings, Observer& observer,
                      const LaneSpawner& spawn_lane) {
  Workers workers;
  try {
    const auto trained = trained_model(settings);
    for (std::uint32_t i = 0; i < lane_count(settings); ++i) {
      workers.lanes.push_back(
          spawn_lane
              ? spawn_lane(i)
              : caf::actor_cast<lane_actor>(runtime::spawn_computing<lane>(
                    system, scheduling, i, trained, settings.training, settings.lane_times)));
    }
    workers.observer = runtime::spawn_computing<observer_bridge>(system, scheduling, observer);
    workers.checkpointer = runtime::spawn_computing<checkpointer>(system, scheduling, settings);
    for (const auto& worker : workers.all()) {
      runtime::give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(worker));
    }
  } catch (...) {
    workers.send_exit();
    throw;
  }
  return workers;
}

namespace {

/// `others_sphere` becomes what others->spawn() has spawned.
void spawn(RunActors& actors, caf::actor_system& system, const RunSettings& settings,
           OtherMachines* others, sphere_actor& others_sphere) {
  const auto trained = trained_model(settings);
  const Layout layout = trained->layout();
  const auto progress = starting_progress(settings);
  const Envelope envelope{progress.run, progress.epoch, progress.step, progress.version};
  auto buffers = std::make_shared<VersionBuffers>(starting_weights(settings, *trained));
  const ParametersPtr weights = buffers->publish();
  const bool validates = settings.validation_batches != nullptr;

  actors.gradients = std::make_shared<GradientPool>(layout);
  actors.lane_scheduler = system.spawn<lane_scheduler>(actors.workers.lanes, actors.gradients,
                                                       settings.generation_share);
  if (settings.submitted) {
    actors.corpus = system.spawn<feed>(settings.submitted, settings.training.micro_batches);
  } else {
    actors.corpus = system.spawn<corpus>(settings.training_batches, settings.validation_batches);
  }
  actors.optimizer =
      system.spawn<optimizer>(OptimizerStart{.config = settings.training.optimizer,
                                             .total_steps = total_steps(settings),
                                             .lanes = lane_count(settings),
                                             .envelope = envelope,
                                             .weights = std::move(buffers),
                                             .state = starting_state(settings, layout)},
                              actors.lane_scheduler);
  actors.inference = system.spawn<inference>(
      actors.lane_scheduler,
      inference::Settings{.timeout = settings.inference_timeout,
                          .lanes = lane_count(settings),
                          .together = settings.generate_together,
                          .piece = inference::tokens_at_a_time(layout->buffer_size())});
  actors.lifecycle =
      system.spawn<lifecycle>(lifecycle::Settings{.policy = settings.inference,
                                                  .wait_timeout = settings.inference_timeout,
                                                  .stop_timeout = settings.stall_timeout * 2,
                                                  .most_open = settings.most_requests,
                                                  .most_versions = settings.most_versions},
                              snapshot{envelope, weights, true}, actors.inference);

  auto spheres = std::make_shared<const SphereSettings>(
      SphereSettings{.lanes = actors.lane_scheduler,
                     .lane_count = lane_count(settings),
                     .observer = actors.workers.observer,
                     .tree = std::make_shared<const std::vector<TopologyNode>>(
                         topology(settings.spheres, settings.symmetry)),
                     .symmetry = settings.symmetry,
                     .routing = settings.routing,
                     .token_frequencies = settings.token_frequencies,
                     .attempts = settings.attempts,
                     .stall_timeout = settings.stall_timeout});
  NodeZeroSettings root;
  if (others != nullptr) {
    others_sphere = others->spawn(system, settings, {spheres, trained, actors.optimizer, progress});
    root.only_child = others_sphere;
    root.finished = caf::actor_cast<counting_actor>(others_sphere);
  }
  root.spheres = std::move(spheres);
  root.corpus = actors.corpus;
  root.optimizer = actors.optimizer;
  root.lifecycle = actors.lifecycle;
  root.checkpointer = actors.workers.checkpointer;
  root.training_batches = settings.training_batches;
  root.validates = validates;
  root.waits_for_batches = settings.submitted != nullptr;
  root.total_steps = settings.training.steps;
  root.evaluate_every = settings.evaluate_every;
  root.snapshot_every = settings.snapshot_every;
  root.checkpoint_every = settings.checkpoint_every;
  root.model = settings.training.model;
  root.progress = progress;
  root.weights = weights;
  actors.root = system.spawn<node_zero>(std::move(root));

  actors.driver = system.spawn<driver>(
      DriverSettings{.root = actors.root,
                     .lifecycle = actors.lifecycle,
                     .observer = actors.workers.observer,
                     .progress = progress,
                     .epochs = settings.training.epochs,
                     .steps = settings.training.steps,
                     .validates = validates,
                     .prompts = settings.prompts,
                     .sample_tokens = settings.sample_tokens,
                     .sampling = settings.sampling,
                     .timeout = settings.inference_timeout + settings.stall_timeout * 2});
}

}  // namespace

RunActors spawn_run(caf::actor_system& system, const RunSettings& settings, Workers workers,
                    OtherMachines* others) {
  RunActors actors;
  actors.workers = std::move(workers);
  sphere_actor others_sphere;
  try {
    spawn(actors, system, settings, others, others_sphere);
    if (others != nullptr) {
      others->begin(system, others_sphere);
    }
  } catch (...) {
    end(others_sphere);
    actors.leave_workers();
    throw;
  }
  return actors;
}

RunActors spawn_run(caf::actor_system& system, runtime::Scheduling scheduling,
                    const RunSettings& settings, Observer& observer,
                    const LaneSpawner& spawn_lane) {
  auto workers = spawn_workers(system, scheduling, settings, observer, spawn_lane);
  try {
    return spawn_run(system, settings, workers);
  } catch (...) {
    workers.send_exit();
    throw;
  }
}

RunActors spawn_run_with(OtherMachines& others, caf::actor_system& system,
                         runtime::Scheduling scheduling, const RunSettings& settings,
                         Observer& observer) {
  auto workers = spawn_workers(system, scheduling, settings, observer);
  try {
    return spawn_run(system, settings, workers, &others);
  } catch (...) {
    others.end();
    workers.send_exit();
    throw;
  }
}

std::vector<caf::actor> Workers::all() const {
  std::vector<caf::actor> actors{caf::actor_cast<caf::actor>(observer),
                                 caf::actor_cast<caf::actor>(checkpointer)};
  for (const auto& lane : lanes) {
    actors.push_back(caf::actor_cast<caf::actor>(lane));
  }
  return actors;
}

void Workers::send_exit() const {
  for (const auto& lane : lanes) {
    end_at_once(lane);
  }
  end(checkpointer);
  end(observer);
}

void RunActors::leave_workers() const {
  stop_training();
  stop_answering();
}

void RunActors::stop_training() const {
  end(driver);
  end(root);
  end(optimizer);
  end(corpus);
}

void RunActors::stop_answering() const {
  end(lifecycle);
  end(inference);
  end(lane_scheduler);
}

void RunActors::send_exit() const {
  leave_workers();
  workers.send_exit();
}

}  // namespace nodezero::actors
