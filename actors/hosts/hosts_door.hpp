// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <set>
#include <vector>

#include "actors/hosts/messages.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// A host program has one run after the other (keeper): the door outlives them. Between two of them
/// who joins waits. At the end those that are on their way back are told so as well.
class hosts_door : public runtime::recorded<hosts_door_actor::base> {
 public:
  explicit hosts_door(caf::actor_config& config) : recorded(config) {}

  const char* name() const override { return "hosts_door"; }
  void on_exit() override;

 protected:
  behavior_type make_behavior() override;

 private:
  void open(const open_door& message);
  void take_join(const wire::join& message);
  caf::result<hosts_ended> end();
  void answer_if_all_are_gone();

  coordinator_actor coordinator_;  ///< null between two runs
  std::vector<wire::join> waiting_;
  std::set<std::uint64_t> returning_;  ///< processes
  bool has_coordinator_ended_ = false;
  caf::typed_response_promise<hosts_ended> ending_;
};

}  // namespace nodezero::actors
