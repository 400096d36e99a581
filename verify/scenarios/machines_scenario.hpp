// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <list>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "actors/hosts/coordinator.hpp"
#include "actors/hosts/host_session.hpp"
#include "verify/explore/scenario.hpp"
#include "verify/scenarios/epoch_asker.hpp"
#include "verify/scenarios/ledger.hpp"
#include "verify/scenarios/machine_rules.hpp"
#include "verify/scenarios/setup.hpp"

namespace nodezero::verify {

/// What the schedules of several machines are made of. `kills` are of hosts, all of one at a time.
struct MachinesSetup : Setup {
  std::uint32_t machines = 2;  ///< the root's among them, from the first step on
  std::uint32_t joins = 0;     ///< hosts that join at any moment
  bool cuts = false;     ///< connections to the root may end, as a fault; the host comes again
  bool backups = false;  ///< the last machine that computes may count as slow, as a fault
  bool doubles = false;  ///< messages may come twice, so that a host may be refused
};

/// A run on several machines: node_zero, the coordinator, and on each machine an exchange with its
/// spheres and its optimizer; on hosts a session. Within a machine all is in place but what the
/// exchange hears. What can happen is that any message between machines comes now or later: only
/// those of one actor to another are in order, which is less than a connection guarantees. A host
/// may die, and a connection end, at any moment; what is under way then may still come.
class MachinesScenario : public explore::Scenario {
 public:
  explicit MachinesScenario(MachinesSetup setup);

  void begin(caf::actor_system& system, explore::Network& network) override;
  void end() override;
  bool finished() const override { return epochs_.finished; }
  std::string violation() const override;
  std::string verdict() const override;
  bool in_place(const explore::Delivery& delivery) const override;
  bool may_come_twice(const explore::Delivery& delivery) const override;
  std::uint64_t digest_of(const explore::Delivery& delivery,
                          const runtime::ActorKeys& keys) const override;
  std::uint64_t digest() const override;
  void before(const explore::Delivery& delivery) override;
  void after() override;

 private:
  class cable;

  /// One machine's part in the run. A host that comes again is another.
  struct Machine {
    Machine(const Ledger& ledger, std::shared_ptr<const model::TensorLayout> layout)
        : ledger(ledger), gradients(std::make_shared<actors::GradientPool>(std::move(layout))) {}

    Ledger ledger;
    std::shared_ptr<actors::GradientPool> gradients;
    std::uint32_t number = 0;   ///< 0 also of a host that is not admitted yet
    caf::actor_id session = 0;  ///< of a host; 0 for the root
    bool has_state = false;     ///< of a host: all of it has come
    std::uint64_t updates = 0;  ///< that the rules know of
  };

  actors::lane_scheduler_actor spawn_lanes(Machine& machine);
  void spawn_root();
  caf::actor_id spawn_host(const std::string& name,
                           std::shared_ptr<const actors::StateOfRun> held = {});
  void host_has_ended(const std::string& name, const Machine& machine, const actors::HostEnd& end);
  void add_faults(const Machine& machine);
  Machine* machine_of(explore::NodeIndex session);
  bool is_joining_at_first(const explore::Delivery& delivery) const;

  MachinesSetup setup_;
  Ledger ledger_;  ///< as each machine's begins
  std::shared_ptr<const model::TensorLayout> layout_;
  std::shared_ptr<const model::BatchSource> batches_;
  actors::HostSettings told_;

  // Of a run:
  caf::actor_system* system_ = nullptr;
  explore::Network* network_ = nullptr;
  std::list<Machine> machines_;  ///< the root first
  Epochs epochs_;
  MachineRules rules_;
  actors::coordinator_actor coordinator_;
  std::set<caf::actor_id> first_sessions_;  ///< of hosts that are there from the beginning
  std::string broken_;
};

}  // namespace nodezero::verify
