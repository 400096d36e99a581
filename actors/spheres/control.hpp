// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "actors/spheres/sphere_parent.hpp"

namespace nodezero::actors {

/// An inner sphere: routes positions to at most `symmetry` children, adds what its parent
/// cannot, and closes each step with one report. It never computes a micro-batch.
class control : public sphere_parent<control_actor::base> {
 public:
  control(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place,
          parent_actor parent);

  const char* name() const override { return "control"; }
  /// Parent and child hold each other's handles; the child lets go.
  void on_exit() override { state_.parent = nullptr; }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;

 protected:
  behavior_type make_behavior() override;
  void pass_up(Partial sum) override;
  void step_closed() override;
  void step_lost(Error reason) override;

 private:
  struct State {
    parent_actor parent;
  };
  State state_;
};

}  // namespace nodezero::actors
