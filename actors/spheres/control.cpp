// SPDX-License-Identifier: BSD-3-Clause
#include "actors/spheres/control.hpp"

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
    : sphere_parent(config, std::move(settings), place), parent_(std::move(parent)) {}

control::behavior_type control::make_behavior() {
  monitor(parent_);
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
      [this](const assign& step) { distribute(step); },
      [this](const abandon& message) { abandon_step(message.envelope); },
  };
}

void control::pass_up(Partial sum) {
  const PositionRange range = sum.range;
  send(parent_, gradient{step_.envelope, step_.purpose, place_.id, range, Moved(std::move(sum))});
  close_if_complete();
}

void control::step_closed(report total) {
  send(parent_, std::move(total));
  close();
}

void control::step_lost(Error reason) {
  send(parent_, step_failed{step_.envelope, step_.purpose, std::move(reason)});
  abandon_step(step_.envelope);
}

}  // namespace nodezero::actors
