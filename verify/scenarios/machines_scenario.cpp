// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/machines_scenario.hpp"

#include <algorithm>
#include <string_view>
#include <utility>

#include <fmt/format.h>

#include "actors/run/node_zero.hpp"
#include "actors/run/optimizer.hpp"
#include "actors/spheres/topology.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/stand_ins.hpp"

namespace nodezero::verify {

using namespace actors;
using explore::Delivery;
using explore::Network;
using explore::NodeIndex;

namespace {

constexpr auto idle_time = std::chrono::seconds(3600);
// The root owns the first block and a host the second, until it is lost.
constexpr std::size_t blocks = 2;
constexpr std::uint64_t equal_bits = 1;

std::vector<std::vector<std::uint32_t>> steps_of(const MachinesSetup& setup) {
  const std::uint32_t n = setup.micro_batches > 0 ? setup.micro_batches : setup.machines;
  return {setup.epochs, std::vector<std::uint32_t>(setup.steps, n)};
}

template <class... Messages>
bool is_one_of(const Delivery& delivery) {
  return ((*delivery.type == typeid(Messages)) || ...);
}

bool is_of_joining(const Delivery& delivery) {
  return is_one_of<wire::join, wire::admitted, wire::state_end, wire::missed_end, wire::ready>(
      delivery);
}

bool crosses(const Delivery& delivery) {
  return is_of_joining(delivery) ||
         is_one_of<wire::plan, wire::back_up, wire::work, wire::commit, wire::give_up, wire::part,
                   wire::sum, wire::credit, wire::finished, wire::gathered, wire::failed,
                   wire::unreachable, wire::refused, wire::leaving, wire::ended, wire::dismissed>(
             delivery);
}

}  // namespace

/// The connection between a host and the root. When it ends, both are told that the other is gone.
class MachinesScenario::cable : public runtime::recorded<caf::event_based_actor> {
 public:
  cable(caf::actor_config& config, caf::strong_actor_ptr root, caf::strong_actor_ptr host)
      : recorded(config), root_(std::move(root)), host_(std::move(host)) {}

  const char* name() const override { return "cable"; }
  void on_exit() override {
    root_ = nullptr;
    host_ = nullptr;
  }

  caf::behavior make_behavior() override {
    return {[this](caf::unit_t) {
      const auto tell = [this](const caf::strong_actor_ptr& one,
                               const caf::strong_actor_ptr& other) {
        send(caf::actor_cast<caf::actor>(one),
             caf::down_msg{caf::actor_cast<caf::actor_addr>(other),
                           caf::exit_reason::remote_link_unreachable});
      };
      tell(root_, host_);
      tell(host_, root_);
      quit();
    }};
  }

 private:
  caf::strong_actor_ptr root_;
  caf::strong_actor_ptr host_;
};

MachinesScenario::MachinesScenario(MachinesSetup setup)
    : setup_(setup),
      ledger_(steps_of(setup), topology(1, 12), true, blocks),
      layout_(ledger_.layout()),
      batches_(ledger_.batches()) {
  told_.training.model = ledger_.model();
  told_.training.sequences = 1;
  told_.total_steps = setup.epochs * setup.steps;
  told_.stall_timeout = idle_time;
  epochs_.count = setup.epochs;
  epochs_.may_fail = setup.may_fail;
}

// -- actors --------------------------------------------------------------------------------------

lane_scheduler_actor MachinesScenario::spawn_lanes(Machine& machine) {
  return caf::actor_cast<lane_scheduler_actor>(
      system_->spawn<surroundings>(machine.ledger, batches_, machine.gradients));
}

void MachinesScenario::spawn_root() {
  auto& root = machines_.emplace_back(ledger_, layout_);
  auto first = std::make_shared<model::Parameters>(layout_);
  ledger_.initialize(*first);
  auto buffers = std::make_shared<VersionBuffers>(std::move(first));
  const auto weights = buffers->publish();
  const auto lanes = spawn_lanes(root);
  const auto around = caf::actor_cast<caf::strong_actor_ptr>(lanes);
  OptimizerStart start;
  start.total_steps = told_.total_steps;
  start.weights = std::move(buffers);
  start.state = std::make_shared<model::OptimizerState>(layout_);
  const auto optimizer = system_->spawn<actors::optimizer>(std::move(start), lanes);

  SphereSettings spheres;
  spheres.lanes = lanes;
  spheres.observer = caf::actor_cast<observer_actor>(around);
  spheres.tree = std::make_shared<const std::vector<TopologyNode>>(topology(1, 12));
  spheres.stall_timeout = idle_time;
  NodeZeroSettings settings;
  settings.spheres = std::make_shared<const SphereSettings>(std::move(spheres));
  coordinator_ =
      system_->spawn<coordinator>(CoordinatorSettings{.spheres = settings.spheres,
                                                      .trained = model::gpt2_model(told_.training),
                                                      .optimizer = optimizer,
                                                      .observer = settings.spheres->observer,
                                                      .told = told_,
                                                      .version = "",
                                                      .run = 0,
                                                      .files = {},
                                                      .progress = {},
                                                      .self_test = equal_bits,
                                                      .wanted = setup_.machines - 1,
                                                      .on_status = {}});
  settings.corpus = caf::actor_cast<corpus_actor>(around);
  settings.optimizer = optimizer;
  settings.lifecycle = caf::actor_cast<lifecycle_actor>(around);
  settings.checkpointer = caf::actor_cast<checkpointer_actor>(around);
  settings.training_batches = batches_;
  settings.weights = weights;
  settings.only_child = caf::actor_cast<sphere_actor>(coordinator_);
  epochs_.begin(system_->spawn<node_zero>(std::move(settings)));
}

caf::actor_id MachinesScenario::spawn_host(const std::string& name,
                                           std::shared_ptr<const StateOfRun> held) {
  auto& machine = machines_.emplace_back(ledger_, layout_);
  const auto lanes = spawn_lanes(machine);
  HostSessionSettings settings;
  settings.coordinator = runtime::Peer::of(coordinator_);
  settings.name = name;
  settings.process = std::hash<std::string>()(name);
  settings.threads = 1;
  settings.admission_timeout = idle_time;
  settings.held = std::move(held);
  settings.say = [](const std::string&) {};
  settings.on_end = [this, name, &machine](const HostEnd& end) {
    host_has_ended(name, machine, end);
  };
  settings.lanes = lanes;
  settings.observer =
      caf::actor_cast<observer_actor>(caf::actor_cast<caf::strong_actor_ptr>(lanes));
  settings.self_test = [](const model::TrainedModel&, const model::TrainingConfig&) {
    return equal_bits;
  };
  machine.session = system_->spawn<host_session>(std::move(settings)).id();
  return machine.session;
}

void MachinesScenario::begin(caf::actor_system& system, Network& network) {
  system_ = &system;
  network_ = &network;
  machines_.clear();
  rules_.clear();
  broken_.clear();
  first_sessions_.clear();
  ledger_.clear();
  spawn_root();
  rules_.has_version(0, 0);
  network.settle();
  for (std::uint32_t i = 1; i < setup_.machines; ++i) {
    first_sessions_.insert(spawn_host(fmt::format("host-{}", i)));
  }
  network.settle();
  for (std::uint32_t i = 0; i < setup_.joins; ++i) {
    spawn_host(fmt::format("newcomer-{}", i));
  }
  system.spawn<epoch_asker>(epochs_, machines_.front().ledger);
  network.settle();
  for (const auto& machine : machines_) {
    add_faults(machine);
  }
  if (setup_.backups) {
    network.inject(caf::actor_cast<caf::strong_actor_ptr>(coordinator_), caf::make_message_id(),
                   caf::make_message(backup_tick{}), true);
  }
}

void MachinesScenario::end() {
  epochs_.root = nullptr;
  coordinator_ = nullptr;
  system_ = nullptr;  // nobody comes again
}

/// Its process asks to take part again if only the connection has ended.
void MachinesScenario::host_has_ended(const std::string& name, const Machine& machine,
                                      const HostEnd& end) {
  if (end.reason == HostEnd::Reason::refused && !setup_.doubles) {
    broken_ = "a host was refused though nothing is wrong with it: " + end.text;
  }
  if (end.reason == HostEnd::Reason::lost && machine.has_state &&
      (!end.state || end.state->progress.step != machine.ledger.steps_applied())) {
    broken_ = fmt::format(
        "a host that has made {} updates keeps {}", machine.ledger.steps_applied(),
        end.state ? fmt::format("the state of {}", end.state->progress.step) : "no state");
  }
  if (end.reason == HostEnd::Reason::lost && system_ != nullptr) {
    spawn_host(name, end.state);
  }
}

// -- faults --------------------------------------------------------------------------------------

void MachinesScenario::add_faults(const Machine& machine) {
  if (machine.session == 0) {
    return;
  }
  const auto session = network_->actor(network_->index(machine.session));
  if (setup_.kills) {
    const caf::exit_msg exit{session->address(), caf::exit_reason::kill};
    network_->inject(session, caf::make_message_id(caf::message_priority::high),
                     caf::make_message(exit), true);
  }
  if (setup_.cuts) {
    const auto connection =
        system_->spawn<cable>(caf::actor_cast<caf::strong_actor_ptr>(coordinator_), session);
    network_->settle();
    network_->inject(caf::actor_cast<caf::strong_actor_ptr>(connection), caf::make_message_id(),
                     caf::make_message(caf::unit), true);
  }
}

// -- rules ---------------------------------------------------------------------------------------

MachinesScenario::Machine* MachinesScenario::machine_of(NodeIndex session) {
  const auto found = std::ranges::find_if(machines_, [&](const Machine& machine) {
    return machine.session != 0 && network_->index(machine.session) == session;
  });
  return found == machines_.end() ? nullptr : &*found;
}

void MachinesScenario::before(const Delivery& delivery) {
  rules_.note(delivery);
  if (const auto* admitted = delivery.as<wire::admitted>()) {
    if (auto* machine = machine_of(delivery.link.receiver); machine && machine->number == 0) {
      machine->number = admitted->machine;
    }
  } else if (const auto* end = delivery.as<wire::state_end>()) {
    const auto progress = decode_progress(end->progress);
    if (auto* machine = machine_of(delivery.link.receiver); machine && progress) {
      machine->has_state = true;
      machine->updates = progress->step;
      machine->ledger.begin_after(progress->step);
      rules_.has_version(machine->number, progress->version);
    }
  }
}

void MachinesScenario::after() {
  for (auto& machine : machines_) {
    if (machine.ledger.steps_applied() > machine.updates) {
      machine.updates = machine.ledger.steps_applied();
      rules_.has_version(machine.number, machine.updates);
    }
  }
}

std::string MachinesScenario::violation() const {
  if (!broken_.empty()) {
    return broken_;
  }
  for (const auto& machine : machines_) {
    if (!machine.ledger.violation().empty()) {
      return machine.session == 0
                 ? machine.ledger.violation()
                 : fmt::format("machine {}: {}", machine.number, machine.ledger.violation());
    }
  }
  return rules_.violation();
}

std::string MachinesScenario::verdict() const {
  const std::uint64_t steps = ledger_.steps_before_end_of(setup_.epochs - 1);
  for (const auto& machine : machines_) {
    if (machine.gradients->leased() > 0) {
      return fmt::format("{} gradient buffers of machine {} were not given back",
                         machine.gradients->leased(), machine.number);
    }
    const bool is_there =
        machine.session == 0 || (rules_.members().contains(machine.number) &&
                                 network_->is_alive(network_->index(machine.session)));
    if (!epochs_.failed && is_there && machine.ledger.steps_applied() != steps) {
      return fmt::format("machine {} made {} of {} updates", machine.number,
                         machine.ledger.steps_applied(), steps);
    }
  }
  for (NodeIndex node = 1; node <= network_->actors(); ++node) {
    const std::string_view name = network_->name(node);
    const std::string_view state = network_->state(node);
    if ((name == "exchange" || name == "coordinator") && state != "idle" && state != "dead" &&
        !epochs_.failed) {
      return fmt::format("a step is still open in {} {}: {}", name, node, state);
    }
  }
  return {};
}

// -- what is one step of a schedule --------------------------------------------------------------

bool MachinesScenario::is_joining_at_first(const Delivery& delivery) const {
  return (is_of_joining(delivery) || is_one_of<wire::credit>(delivery)) &&
         std::ranges::any_of(first_sessions_, [&](caf::actor_id session) {
           const NodeIndex node = network_->index(session);
           return node == delivery.link.sender || node == delivery.link.receiver;
         });
}

bool MachinesScenario::in_place(const Delivery& delivery) const {
  const std::string_view receiver = delivery.receiver_name;
  if (is_joining_at_first(delivery)) {
    return true;
  }
  // One death of a machine is one step; that others hear of it is another.
  if (is_one_of<caf::down_msg>(delivery)) {
    return receiver != "coordinator" && receiver != "host_session";
  }
  const bool is_heard_by_exchange =
      receiver == "exchange" &&
      (is_one_of<gradient, report>(delivery) || delivery.element->mid.is_response());
  return !crosses(delivery) && !is_heard_by_exchange && !is_one_of<summed>(delivery);
}

/// On one machine CAF delivers a message once, and some bring what is there once.
bool MachinesScenario::may_come_twice(const Delivery& delivery) const {
  return crosses(delivery);
}

std::uint64_t MachinesScenario::digest_of(const Delivery& delivery,
                                          const runtime::ActorKeys& keys) const {
  return digest_of_message(delivery, keys);
}

std::uint64_t MachinesScenario::digest() const {
  runtime::Fingerprint digest;
  digest.add(epochs_.finished).add(epochs_.failed).add(rules_.digest());
  for (const auto& machine : machines_) {
    digest.add(machine.number).add(machine.ledger.digest()).add(machine.gradients->leased());
  }
  return digest.value();
}

}  // namespace nodezero::verify
