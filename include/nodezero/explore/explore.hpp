// SPDX-License-Identifier: BSD-3-Clause
#pragma once

// Runs the actors of any CAF 0.17 program through the orders in which their messages can arrive.
//
//     const auto result = nodezero::explore::explore([](World& world) {
//       auto account = world.spawn(account_actor, 100);
//       world.ask<bool>(account, withdraw{70});
//       world.ask<bool>(account, withdraw{70});
//       world.always("never overdrawn", [=, &world] {
//         return world.state<account_state>(account).balance >= 0;
//       });
//     });
//     EXPECT_TRUE(result.ok()) << result;
//
// Without any rule it finds requests that nobody will answer, messages that no handler takes,
// exceptions, and messages that an actor has put off and never takes up again. The handlers run on
// the calling thread, one after the other, and time is virtual.

#include <functional>

#include "nodezero/explore/options.hpp"
#include "nodezero/explore/result.hpp"
#include "nodezero/explore/world.hpp"
#include "nodezero/export.h"

namespace nodezero::explore {

/// Called at the beginning of each run.
using Scenario = std::function<void(World&)>;

NODEZERO_EXPORT Result explore(const Scenario& scenario, const Options& options = {});

/// With a configuration of the program's own, such as its message types. It is changed: the policy
/// of the scheduler is "testing" from then on. It must not load the middleman.
NODEZERO_EXPORT Result explore(caf::actor_system_config& config, const Scenario& scenario,
                               const Options& options = {});

}  // namespace nodezero::explore
