// SPDX-License-Identifier: BSD-3-Clause
#include "actors/serving/run_server.hpp"

#include <future>
#include <utility>

#include "actors/run/assembly.hpp"
#include "actors/serving/door.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {

struct RunServer::State {
  std::shared_ptr<const ServedModel> model;
  ServingOptions options;
  caf::actor door;
  shelf_actor kept;
  std::uint16_t port = 0;
  std::promise<void> closed;
};

RunServer::RunServer(ServedModel model, ServingOptions options)
    : state_(std::make_unique<State>()) {
  state_->model = std::make_shared<const ServedModel>(std::move(model));
  state_->options = std::move(options);
}

RunServer::~RunServer() = default;

std::uint16_t RunServer::port() const {
  return state_->port;
}

void RunServer::drain() {
  caf::anon_send(state_->door, actors::drain{});
}

void RunServer::configure(caf::actor_system_config& config) {
  allow_sockets(config);
}

Result<void> RunServer::start(caf::actor_system& system, const RunActors& actors) {
  auto service = std::make_shared<Service>();
  service->model = state_->model;
  service->options = state_->options;
  service->version.envelope = state_->model->start;
  service->lifecycle = actors.lifecycle;
  if (!state_->model->folder.empty()) {
    state_->kept = system.spawn<shelf>(state_->model->folder, state_->options.kept_versions);
    runtime::give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(state_->kept));
    service->shelf = state_->kept;
  }
  std::promise<Result<std::uint16_t>> opened;
  state_->door =
      spawn_door(system, std::move(service),
                 {.opened = [&opened](auto result) { opened.set_value(std::move(result)); },
                  .closed = [state = state_.get()] { state->closed.set_value(); }});
  const auto port = opened.get_future().get();
  if (!port) {
    return fail(port.error());
  }
  state_->port = *port;
  return {};
}

void RunServer::end() {
  if (state_->door) {
    drain();
    state_->door = nullptr;
    state_->closed.get_future().wait();
  }
  if (state_->kept) {
    caf::anon_send_exit(state_->kept, caf::exit_reason::kill);
    state_->kept = nullptr;
  }
}

}  // namespace nodezero::actors
