// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "actors/spheres/sphere.hpp"

namespace nodezero::actors {

/// A leaf: has the lanes compute its micro-batches, sums what is wholly its own, and
/// closes each step with one report. All its micro-batches wait at the lanes at once, so
/// that no lane is idle while one of them could run. It never sees mutable weights, and
/// anything that goes wrong ends it: its parent replaces it.
class worker : public summing_sphere<sphere_actor::base> {
 public:
  worker(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place,
         parent_actor parent);

  const char* name() const override { return "worker"; }
  /// Parent and child hold each other's handles; the child lets go.
  void on_exit() override { state_.parent = nullptr; }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;

 protected:
  behavior_type make_behavior() override;
  void pass_up(Partial sum) override;
  void sum_failed(Error reason) override;

 private:
  void begin(const assign& assigned);
  void take(std::uint32_t position, Partial part);

  struct State {
    parent_actor parent;
    std::optional<std::uint32_t> current_position;  ///< what a failure is blamed on
  };
  State state_;
};

}  // namespace nodezero::actors
