// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/host.hpp"

#include <stdexcept>
#include <utility>

#include "actors/hosts/state_keeper.hpp"
#include "actors/settings.hpp"
#include "runtime/crossing.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

std::shared_ptr<runtime::OwnThreads> start_host_threads(std::uint32_t lanes) {
  // Beside the usual: for the session and the exchange.
  auto threads = runtime::OwnThreads::start(workers_for(lanes) + 2);
  if (!threads) {
    throw std::runtime_error(threads.error().message);
  }
  return std::move(*threads);
}

std::uint32_t lanes_of(std::uint32_t threads) {
  RunSettings settings;
  settings.threads = threads;
  return lane_count(settings);
}

struct HostConfig : caf::actor_system_config {
  HostConfig(std::shared_ptr<runtime::OwnThreads> threads, const HostOfRunSettings& settings) {
    runtime::configure(*this, runtime::Scheduling::own_threads);
    runtime::run_on_threads(*this, std::move(threads));
    wire::register_messages(*this);
    settings.network->configure(*this);
    if (settings.recorder != nullptr) {
      runtime::attach_recorder(*this, *settings.recorder);
    }
  }
};

}  // namespace

struct Host::State {
  explicit State(HostOfRunSettings host_settings)
      : settings(std::move(host_settings)),
        config(start_host_threads(lanes_of(settings.threads)), settings),
        system(config) {
    runtime::record_machine(system, settings.name);
  }

  HostOfRunSettings settings;
  std::promise<HostEnd> end;  // until the last actor is gone
  HostConfig config;
  caf::actor_system system;
  state_keeper_actor keeper;  ///< what others find here
  host_session_actor session;
};

Host::Host(HostOfRunSettings settings) : state_(std::make_unique<State>(std::move(settings))) {}

Host::~Host() {
  if (state_->session) {
    caf::anon_send_exit(state_->session, caf::exit_reason::kill);
    state_->session = nullptr;
  }
  if (state_->keeper) {
    caf::anon_send_exit(state_->keeper, caf::exit_reason::kill);
    state_->keeper = nullptr;
  }
  state_->settings.network->close();
}

Result<void> Host::open() {
  auto& [settings, promise, config, system, keeper, session] = *state_;
  keeper = system.spawn<state_keeper>(settings.on_moved);
  caf::anon_send(keeper, keep_state{settings.held});
  const auto published =
      settings.network->publish(system, caf::actor_cast<caf::strong_actor_ptr>(keeper));
  return published ? Result<void>() : tl::unexpected(published.error());
}

Result<void> Host::connect(const std::string& address) {
  auto& [settings, promise, config, system, keeper, session] = *state_;
  auto root = settings.network->connect(system, address);
  if (!root) {
    return tl::unexpected(root.error());
  }
  caf::anon_send(keeper, keep_state{nullptr});  // the root has it
  session = system.spawn<host_session>(HostSessionSettings{
      .coordinator = runtime::Peer(*root),
      .name = settings.name,
      .version = settings.version,
      .process = settings.process,
      .threads = settings.threads,
      .memory = settings.memory,
      .address = settings.network->own_address(),
      .held = std::exchange(settings.held, nullptr),
      .link = [this](const std::string& other) -> Result<void> {
        const auto reached = state_->settings.network->connect(state_->system, other);
        return reached ? Result<void>() : tl::unexpected(reached.error());
      },
      .trained = settings.trained,
      .say = settings.say,
      .on_end = [this](HostEnd end) { state_->end.set_value(std::move(end)); }});
  // It blocks while it connects to the other hosts.
  runtime::give_worker(system, caf::actor_cast<caf::strong_actor_ptr>(session));
  return {};
}

HostEnd Host::wait() {
  return state_->end.get_future().get();
}

void Host::leave() {
  caf::anon_send(state_->session, actors::leave{});
}

}  // namespace nodezero::actors
