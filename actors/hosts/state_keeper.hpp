// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "actors/hosts/block_link.hpp"
#include "actors/hosts/messages.hpp"
#include "actors/hosts/state_of_run.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// somebody -> state_keeper: what there is to give away from now on; null: nothing.
struct keep_state {
  std::shared_ptr<const StateOfRun> state;
};

using state_keeper_actor =
    caf::typed_actor<Accepts<keep_state>, Accepts<wire::want_state>, Accepts<wire::credit>>;

/// What others find who connect to a host. While the host has lost its root, it gives the state of
/// the run to whoever takes the run up elsewhere; to one at a time.
class state_keeper : public runtime::recorded<state_keeper_actor::base> {
 public:
  /// `on_moved` is called with the address where the run will go on, if the new root says so.
  state_keeper(caf::actor_config& config, std::function<void(const std::string&)> on_moved);

  const char* name() const override { return "state_keeper"; }
  void on_exit() override;

 protected:
  behavior_type make_behavior() override;

 private:
  void give(const wire::want_state& message);

  std::function<void(const std::string&)> on_moved_;
  std::shared_ptr<const StateOfRun> state_;
  std::optional<BlockLink> link_;
};

}  // namespace nodezero::actors

NODEZERO_LOCAL_MESSAGE(nodezero::actors::keep_state)
