// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/hosts_of_run.hpp"

#include <stdexcept>

#include "actors/hosts/self_test.hpp"
#include "runtime/ask.hpp"
#include "runtime/crossing.hpp"

namespace nodezero::actors {

void HostsOfRun::configure(caf::actor_system_config& config) {
  wire::register_messages(config);
  settings_.network->configure(config);
}

sphere_actor HostsOfRun::spawn(caf::actor_system& system, const SphereSettingsPtr& spheres,
                               const std::shared_ptr<const model::TensorLayout>& layout,
                               const optimizer_actor& optimizer) {
  system_ = &system;
  runtime::record_machine(system, "root");
  coordinator_ =
      system.spawn<coordinator>(CoordinatorSettings{.spheres = spheres,
                                                    .layout = layout,
                                                    .optimizer = optimizer,
                                                    .observer = spheres->observer,
                                                    .told = settings_.told,
                                                    .version = settings_.version,
                                                    .run = settings_.run,
                                                    .files = settings_.files,
                                                    .progress = settings_.progress,
                                                    .self_test = self_test(settings_.told.training),
                                                    .audit = settings_.audit,
                                                    .wanted = settings_.wanted,
                                                    .wait = settings_.wait,
                                                    .on_status = settings_.on_status});
  const auto published =
      settings_.network->publish(system, caf::actor_cast<caf::strong_actor_ptr>(coordinator_));
  if (!published) {
    end();
    throw std::runtime_error(published.error().message);
  }
  settings_.on_address(*published);
  return caf::actor_cast<sphere_actor>(coordinator_);
}

void HostsOfRun::end() {
  if (system_ == nullptr) {
    return;
  }
  constexpr auto bound = std::chrono::seconds(3);
  runtime::ask<hosts_ended>(*system_, coordinator_, end_hosts{}).wait_for(bound);
  caf::anon_send_exit(coordinator_, caf::exit_reason::kill);
  coordinator_ = nullptr;
  settings_.network->close();
  system_ = nullptr;
}

}  // namespace nodezero::actors
