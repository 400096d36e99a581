// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/tree_scenario.hpp"

#include <cstring>
#include <utility>

#include <fmt/format.h>

#include "actors/run/node_zero.hpp"
#include "actors/run/optimizer.hpp"
#include "verify/scenarios/message_digests.hpp"
#include "verify/scenarios/stand_ins.hpp"
#include "verify/scenarios/trees.hpp"

namespace nodezero::verify {

using explore::Delivery;
using explore::Network;

namespace {

std::vector<std::vector<std::uint32_t>> plan(const TreeSetup& setup) {
  const std::uint32_t workers = leaves(setup.tree);
  const std::uint32_t n = setup.micro_batches > 0 ? setup.micro_batches : workers;
  // A root without workers has epochs without steps.
  return {setup.epochs, std::vector<std::uint32_t>(workers > 0 ? setup.steps : 0, n)};
}

constexpr auto long_time = std::chrono::seconds(3600);

bool is_named(const char* name, const char* wanted) {
  return std::strcmp(name, wanted) == 0;
}

}  // namespace

TreeScenario::TreeScenario(TreeSetup setup)
    : setup_(std::move(setup)),
      ledger_(plan(setup_), setup_.tree, setup_.faulty),
      layout_(ledger_.layout()),
      batches_(ledger_.batches()),
      tree_(std::make_shared<const std::vector<actors::TopologyNode>>(setup_.tree)),
      gradients_(std::make_shared<actors::GradientPool>(layout_)) {
  epochs_.count = setup_.epochs;
  epochs_.may_fail = setup_.may_fail;
}

void TreeScenario::begin(caf::actor_system& system, Network& network) {
  ledger_.clear();
  has_lied_ = false;
  auto first = std::make_shared<model::Parameters>(layout_);
  ledger_.initialize(*first);
  auto buffers = std::make_shared<actors::VersionBuffers>(std::move(first));
  const auto weights = buffers->publish();

  const auto around = system.spawn<surroundings>(ledger_, batches_, gradients_);
  actors::OptimizerStart start;
  start.total_steps = setup_.epochs * setup_.steps;
  start.weights = std::move(buffers);
  start.state = std::make_shared<model::OptimizerState>(layout_);
  const auto lanes = caf::actor_cast<actors::lane_scheduler_actor>(around);
  const auto optimizer = system.spawn<actors::optimizer>(std::move(start), lanes);

  actors::SphereSettings spheres;
  spheres.lanes = lanes;
  spheres.observer = caf::actor_cast<actors::observer_actor>(around);
  spheres.tree = tree_;
  spheres.routing = setup_.routing;
  spheres.stall_timeout = long_time;
  actors::NodeZeroSettings root;
  root.spheres = std::make_shared<const actors::SphereSettings>(std::move(spheres));
  root.corpus = caf::actor_cast<actors::corpus_actor>(around);
  root.optimizer = optimizer;
  root.lifecycle = caf::actor_cast<actors::lifecycle_actor>(around);
  root.checkpointer = caf::actor_cast<actors::checkpointer_actor>(around);
  root.training_batches = batches_;
  root.weights = weights;
  epochs_.begin(system.spawn<actors::node_zero>(std::move(root)));
  network.settle();
  system.spawn<epoch_asker>(epochs_, ledger_);
  network.settle();
  if (setup_.kills) {
    deaths_.begin(network);
  }
}

void TreeScenario::end() {
  epochs_.root = nullptr;
}

bool TreeScenario::in_place(const Delivery& delivery) const {
  for (const char* name : {delivery.sender_name, delivery.receiver_name}) {
    if (is_named(name, "surroundings") || is_named(name, "optimizer") || is_named(name, "host")) {
      return true;
    }
  }
  return false;
}

bool TreeScenario::with_next(const Delivery& delivery) const {
  return setup_.bare && *delivery.type == typeid(actors::gradient);
}

std::uint64_t TreeScenario::digest_of(const Delivery& delivery,
                                      const runtime::ActorKeys& keys) const {
  return digest_of_message(delivery, keys);
}

void TreeScenario::before(const Delivery& delivery) {
  if (setup_.lie && setup_.lie(delivery)) {
    has_lied_ = true;
  }
  ledger_.note(delivery);
}

void TreeScenario::after() {
  if (setup_.kills_again) {
    deaths_.follow();
  }
}

std::uint64_t TreeScenario::digest() const {
  return runtime::Fingerprint()
      .add(ledger_.digest())
      .add(epochs_.finished)
      .add(epochs_.failed)
      .add(has_lied_)
      .add(gradients_->leased())
      .value();
}

std::string TreeScenario::verdict() const {
  if (gradients_->leased() > 0) {
    return fmt::format("{} gradient buffers were not given back", gradients_->leased());
  }
  if (has_lied_ && !epochs_.failed) {
    return "a lie was believed";
  }
  const std::uint64_t steps = ledger_.steps_before_end_of(setup_.epochs - 1);
  if (!epochs_.failed && ledger_.steps_applied() != steps) {
    return fmt::format("{} of {} updates were made", ledger_.steps_applied(), steps);
  }
  return {};
}

}  // namespace nodezero::verify
