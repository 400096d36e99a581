// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/control.hpp"

#include "actors/fingerprints.hpp"
#include "actors/spheres/worker.hpp"

namespace nodezero::actors {

sphere_actor spawn_sphere(caf::local_actor& spawner, const SphereSettingsPtr& settings,
                          const TopologyNode& place, const parent_actor& parent) {
  if (place.is_worker) {
    return spawner.spawn<worker>(settings, place, parent);
  }
  return spawner.spawn<control>(settings, place, parent);
}

control::control(caf::actor_config& config, SphereSettingsPtr settings, const TopologyNode& place,
                 parent_actor parent)
    : sphere_parent(config, std::move(settings), place), state_{std::move(parent)} {}

control::behavior_type control::make_behavior() {
  monitor(state_.parent);
  set_down_handler([this](const caf::down_msg& down) {
    if (!on_child_down(down)) {
      quit(down.reason);
    }
  });
  spawn_children();
  return {
      [this](const gradient& message) { on_gradient(message); },
      [this](const report& message) { on_report(message); },
      [this](const step_failed& message) { on_step_failed(message); },
      [this](const assign& step) {
        if (auto refused = refusal_of(step)) {
          send(state_.parent, std::move(*refused));
        } else {
          distribute(step);
        }
      },
      [this](const abandon& message) { abandon_step(message.envelope); },
  };
}

std::uint64_t control::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, sums_, family_, state_);
}

void control::pass_up(Partial sum) {
  const PositionRange range = sum.range;
  send(state_.parent,
       gradient{step().envelope, step().purpose, place_.id, range, Moved(std::move(sum))});
  close_if_complete();
}

void control::step_closed() {
  send(state_.parent, report_of_step());
  close_family();
}

void control::step_lost(Error reason) {
  const Envelope envelope = step().envelope;
  send(state_.parent, step_failed{envelope, step().purpose, std::move(reason)});
  abandon_step(envelope);
}

}  // namespace nodezero::actors
