// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>

#include "actors/hosts/coordinator.hpp"
#include "actors/hosts/hosts_door.hpp"
#include "actors/run/other_machines.hpp"
#include "runtime/network_access.hpp"

namespace nodezero::actors {

struct HostsOfRunSettings {
  std::shared_ptr<runtime::NetworkAccess> network;
  std::string version;
  RunFiles files = {};  ///< for who takes the run up elsewhere
  double audit = 0;     ///< share of micro-batches that two machines compute
  std::uint32_t wanted = 0;
  std::chrono::seconds wait{600};
  std::function<void(const std::string&)> on_address;  ///< where hosts can connect to; may be empty
  std::function<void(const HostsStatus&)> on_status = {};  ///< may be empty
};

/// The hosts of a run, from the root's side: a coordinator that others reach through a door. With
/// one run after the other they lose the coordinator of the last and come to that of the next.
class HostsOfRun : public OtherMachines {
 public:
  explicit HostsOfRun(HostsOfRunSettings settings) : settings_(std::move(settings)) {}

  void configure(caf::actor_system_config& config) override;
  sphere_actor spawn(caf::actor_system& system, const RunSettings& settings,
                     const ActorsOfRun& run) override;
  void begin(caf::actor_system& system, const sphere_actor& sphere) override;
  void end() override;
  /// Ends without a word to the other machines.
  void break_off();

 private:
  void publish_door();
  std::uint64_t self_test_of(const model::TrainedModel& trained,
                             const model::TrainingConfig& training);

  HostsOfRunSettings settings_;
  caf::actor_system* system_ = nullptr;
  hosts_door_actor door_;          ///< null before the first run
  coordinator_actor coordinator_;  ///< of the last run that has begun
  /// It takes time, and one run after the other has the same.
  struct SelfTest {
    std::shared_ptr<const model::TensorLayout> layout;
    model::TrainingConfig training;
    std::uint64_t result = 0;
  };
  SelfTest self_test_;  ///< the last one
};

}  // namespace nodezero::actors
