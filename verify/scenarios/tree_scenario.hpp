// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/interfaces.hpp"
#include "actors/settings.hpp"
#include "actors/spheres/topology.hpp"
#include "verify/explore/scenario.hpp"
#include "verify/scenarios/deaths.hpp"
#include "verify/scenarios/epoch_asker.hpp"
#include "verify/scenarios/ledger.hpp"
#include "verify/scenarios/lies.hpp"
#include "verify/scenarios/setup.hpp"

namespace nodezero::verify {

/// What the tree's schedules are made of.
struct TreeSetup : Setup {
  std::vector<actors::TopologyNode> tree;
  actors::RoutingPolicy routing = actors::RoutingPolicy::round_robin;
  /// A child's gradients come with the report that follows them: its part in a step is one message.
  /// This is the bare epoch protocol.
  bool bare = false;
  Lie lie = nullptr;  ///< that the first sphere tells as often as it can
};

/// node_zero, its spheres and the optimizer, with everything around them in place: what can
/// happen is that an assignment, a gradient, a report, or word of a death, comes now or later.
class TreeScenario : public explore::Scenario {
 public:
  explicit TreeScenario(TreeSetup setup);

  void begin(caf::actor_system& system, explore::Network& network) override;
  void end() override;
  bool finished() const override { return epochs_.finished; }
  std::string violation() const override { return ledger_.violation(); }
  std::string verdict() const override;
  bool in_place(const explore::Delivery& delivery) const override;
  bool with_next(const explore::Delivery& delivery) const override;
  std::uint64_t digest_of(const explore::Delivery& delivery,
                          const runtime::ActorKeys& keys) const override;
  std::uint64_t digest() const override;
  void before(const explore::Delivery& delivery) override;
  void after() override;

 private:
  TreeSetup setup_;
  Ledger ledger_;
  std::shared_ptr<const model::TensorLayout> layout_;
  std::shared_ptr<const model::BatchSource> batches_;
  std::shared_ptr<const std::vector<actors::TopologyNode>> tree_;

  // Of a run:
  std::shared_ptr<actors::GradientPool> gradients_;
  Epochs epochs_;
  Deaths deaths_;
  bool has_lied_ = false;  ///< as setup_.lie
};

}  // namespace nodezero::verify
