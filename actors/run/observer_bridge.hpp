// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include "actors/interfaces.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Brings telemetry to a host's Observer, one call at a time, on a thread of its own where
/// there are threads: a slow observer holds up nobody.
class observer_bridge : public runtime::recorded<observer_actor::base> {
 public:
  /// The observer must outlive the actor.
  observer_bridge(caf::actor_config& config, Observer& observer)
      : recorded(config), observer_(observer) {}

  const char* name() const override { return "observer"; }

 protected:
  behavior_type make_behavior() override {
    return {
        [this](const telemetry_step& message) { observer_.on_step(message.summary); },
        [this](const telemetry_evaluation& message) { observer_.on_evaluation(message.summary); },
        [this](const telemetry_epoch& message) { observer_.on_epoch(message.summary); },
        [this](const telemetry_sample& message) { observer_.on_sample(message.summary); },
        [this](const telemetry_checkpoint& message) { observer_.on_checkpoint(message.summary); },
        [this](const telemetry_notice& message) { observer_.on_notice(message.notice); },
        [](const telemetry_flush&) { return telemetry_flushed{}; },
    };
  }

 private:
  Observer& observer_;
};

}  // namespace nodezero::actors
