// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <functional>
#include <memory>
#include <string>

#include "actors/hosts/coordinator.hpp"
#include "actors/run/other_machines.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::actors {

struct HostsOfRunSettings {
  std::shared_ptr<runtime::NetworkAccess> network;
  HostSettings told;
  std::string version;
  std::uint64_t run = 0;
  RunFiles files = {};               ///< for who takes the run up elsewhere
  model::TrainingProgress progress;  ///< where the run stands
  double audit = 0;                  ///< share of micro-batches that two machines compute
  std::uint32_t wanted = 0;
  std::chrono::seconds wait{600};
  std::function<void(const std::string&)> on_address;      ///< where hosts can connect to
  std::function<void(const HostsStatus&)> on_status = {};  ///< may be empty
};

/// The hosts of a run, from the root's side: a coordinator that others can connect to.
class HostsOfRun : public OtherMachines {
 public:
  explicit HostsOfRun(HostsOfRunSettings settings) : settings_(std::move(settings)) {}

  void configure(caf::actor_system_config& config) override;
  sphere_actor spawn(caf::actor_system& system, const SphereSettingsPtr& spheres,
                     const std::shared_ptr<const model::TensorLayout>& layout,
                     const optimizer_actor& optimizer) override;
  void end() override;

 private:
  HostsOfRunSettings settings_;
  caf::actor_system* system_ = nullptr;
  coordinator_actor coordinator_;
};

}  // namespace nodezero::actors
