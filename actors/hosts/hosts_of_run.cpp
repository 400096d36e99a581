// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/hosts_of_run.hpp"

#include <stdexcept>
#include <utility>

#include "actors/hosts/self_test.hpp"
#include "runtime/ask.hpp"
#include "runtime/crossing.hpp"

namespace nodezero::actors {

void HostsOfRun::configure(caf::actor_system_config& config) {
  wire::register_messages(config);
  settings_.network->configure(config);
}

namespace {

HostSettings told_of(const RunSettings& settings) {
  return {.training = settings.training,
          .total_steps = total_steps(settings),
          .spheres = settings.spheres,
          .symmetry = settings.symmetry,
          .attempts = settings.attempts,
          .stall_timeout = settings.stall_timeout};
}

}  // namespace

sphere_actor HostsOfRun::spawn(caf::actor_system& system, const RunSettings& settings,
                               const ActorsOfRun& run) {
  return caf::actor_cast<sphere_actor>(system.spawn<coordinator>(
      CoordinatorSettings{.spheres = run.spheres,
                          .trained = run.trained,
                          .optimizer = run.optimizer,
                          .observer = run.spheres->observer,
                          .told = told_of(settings),
                          .version = settings_.version,
                          .run = settings.run,
                          .files = settings_.files,
                          .progress = run.progress,
                          .self_test = self_test_of(*run.trained, settings.training),
                          .audit = settings_.audit,
                          // Those that were there once come back; it does not depend on them.
                          .wanted = door_ ? 0 : settings_.wanted,
                          .wait = settings_.wait,
                          .on_status = settings_.on_status}));
}

std::uint64_t HostsOfRun::self_test_of(const model::TrainedModel& trained,
                                       const model::TrainingConfig& training) {
  const auto layout = trained.layout();
  if (self_test_.layout != layout || self_test_.training != training) {
    self_test_ = {layout, training, self_test(trained, training)};
  }
  return self_test_.result;
}

void HostsOfRun::begin(caf::actor_system& system, const sphere_actor& sphere) {
  const auto last = std::exchange(coordinator_, caf::actor_cast<coordinator_actor>(sphere));
  if (last) {
    caf::anon_send(last, send_hosts_back{door_});
  } else {
    system_ = &system;
    try {
      publish_door();
    } catch (...) {
      break_off();
      throw;
    }
  }
  caf::anon_send(door_, open_door{coordinator_});
}

void HostsOfRun::publish_door() {
  runtime::record_machine(*system_, "root");
  door_ = system_->spawn<hosts_door>();
  const auto published =
      settings_.network->publish(*system_, caf::actor_cast<caf::strong_actor_ptr>(door_));
  if (!published) {
    throw std::runtime_error(published.error().message);
  }
  if (settings_.on_address) {
    settings_.on_address(*published);
  }
}

void HostsOfRun::end() {
  if (system_ == nullptr) {
    return;
  }
  constexpr auto bound = std::chrono::seconds(3);
  runtime::ask<hosts_ended>(*system_, door_, end_hosts{}).wait_for(bound);
  break_off();
}

void HostsOfRun::break_off() {
  if (system_ == nullptr) {
    return;
  }
  caf::anon_send_exit(coordinator_, caf::exit_reason::kill);
  caf::anon_send_exit(door_, caf::exit_reason::kill);
  coordinator_ = nullptr;
  door_ = nullptr;
  settings_.network->close();
  system_ = nullptr;
}

}  // namespace nodezero::actors
