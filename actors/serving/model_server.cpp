// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/model_server.hpp"

#include <future>
#include <utility>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/inference/inference.hpp"
#include "actors/inference/lifecycle.hpp"
#include "actors/lanes/lane.hpp"
#include "actors/lanes/lane_scheduler.hpp"
#include "actors/serving/door.hpp"
#include "model/training/gpt2_of_weights.hpp"
#include "runtime/own_threads.hpp"
#include "runtime/system_config.hpp"

namespace nodezero::actors {
namespace {

struct ServerConfig : caf::actor_system_config {
  explicit ServerConfig(std::shared_ptr<runtime::OwnThreads> threads) {
    runtime::configure(*this, runtime::Scheduling::own_threads);
    runtime::run_on_threads(*this, std::move(threads));
    allow_sockets(*this);
  }
};

}  // namespace

struct ModelServer::State {
  explicit State(std::shared_ptr<runtime::OwnThreads> threads)
      : config(std::move(threads)), system(config) {}

  void spawn(const ModelServerSettings& settings);
  shelf_actor spawn_shelf(const ModelServerSettings& settings);
  Result<std::uint16_t> open(const ServingOptions& options);
  void end();

  std::promise<void> closed;  // outlives the door
  ServerConfig config;
  caf::actor_system system;
  std::vector<lane_actor> lanes;
  lane_scheduler_actor scheduler;
  inference_actor generator;
  lifecycle_actor gate;
  shelf_actor kept;
  caf::actor door;
  std::uint16_t port = 0;
};

/// A run without training: the lifecycle stays idle, with its first snapshot.
void ModelServer::State::spawn(const ModelServerSettings& settings) {
  const auto layout = settings.weights->layout();
  model::TrainingConfig training;
  training.model = settings.model.config;
  const auto trained = model::gpt2_of_weights(training, settings.precision, settings.weights);
  for (std::uint32_t i = 0; i < settings.lanes; ++i) {
    lanes.push_back(system.spawn<lane>(i, trained, training, nullptr));
    runtime::give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(lanes.back()));
  }
  scheduler = system.spawn<lane_scheduler>(lanes, std::make_shared<GradientPool>(layout));
  generator = system.spawn<inference>(
      scheduler, inference::Settings{.timeout = settings.answer_time,
                                     .lanes = settings.lanes,
                                     .together = settings.options.together,
                                     .piece = inference::tokens_at_a_time(layout->buffer_size())});
  gate = system.spawn<lifecycle>(lifecycle::Settings{.policy = InferencePolicy::snapshot,
                                                     .wait_timeout = settings.answer_time,
                                                     .stop_timeout = settings.answer_time,
                                                     .most_open = settings.options.queue,
                                                     .most_tokens = settings.options.most_tokens},
                                 snapshot{{}, settings.weights, true}, generator);
  kept = spawn_shelf(settings);
}

/// Null if the model is of no run.
shelf_actor ModelServer::State::spawn_shelf(const ModelServerSettings& settings) {
  if (settings.model.folder.empty()) {
    return {};
  }
  const auto actor = system.spawn<shelf>(settings.model.folder, settings.options.kept_versions);
  runtime::give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(actor));
  return actor;
}

Result<std::uint16_t> ModelServer::State::open(const ServingOptions& options) {
  auto service = std::make_shared<Service>();
  service->options = options;
  std::promise<Result<std::uint16_t>> opened;
  door = spawn_door(system, std::move(service),
                    {.opened = [&opened](auto result) { opened.set_value(std::move(result)); },
                     .closed = [this] { closed.set_value(); }});
  return opened.get_future().get();
}

void ModelServer::State::end() {
  const auto kill = [](const auto& actor) {
    if (actor) {
      caf::anon_send_exit(actor, caf::exit_reason::kill);
    }
  };
  kill(door);
  kill(gate);
  kill(kept);
  kill(generator);
  kill(scheduler);
  for (const auto& lane : lanes) {
    kill(lane);
  }
  // Handles must be gone before the system waits for its actors.
  door = nullptr;
  gate = nullptr;
  kept = nullptr;
  generator = nullptr;
  scheduler = nullptr;
  lanes.clear();
}

Result<std::unique_ptr<ModelServer>> ModelServer::open(const ServingOptions& options,
                                                       std::uint32_t lanes) {
  // One worker for each lane and the shelf, and one that has the messages of all others.
  auto threads = runtime::OwnThreads::start(std::size_t{lanes} + 2);
  if (!threads) {
    return fail(threads.error());
  }
  auto state = std::make_unique<State>(std::move(*threads));
  const auto port = state->open(options);
  std::unique_ptr<ModelServer> server(new ModelServer(std::move(state)));
  if (!port) {
    return fail(port.error());
  }
  server->state_->port = *port;
  return server;
}

void ModelServer::serve(const ModelServerSettings& settings) {
  state_->spawn(settings);
  caf::anon_send(state_->door, begin_serving{std::make_shared<const ServedModel>(settings.model),
                                             state_->gate, state_->kept});
}

ModelServer::ModelServer(std::unique_ptr<State> state) : state_(std::move(state)) {}
ModelServer::~ModelServer() {
  state_->end();
}

std::uint16_t ModelServer::port() const {
  return state_->port;
}

void ModelServer::drain() {
  caf::anon_send(state_->door, actors::drain{});
}

void ModelServer::wait() {
  state_->closed.get_future().wait();
}

}  // namespace nodezero::actors
