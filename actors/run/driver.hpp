// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "actors/interfaces.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

struct DriverSettings {
  node_zero_actor root;
  lifecycle_actor lifecycle;
  observer_actor observer;
  model::TrainingProgress progress;
  std::uint64_t epochs = 1;
  std::uint64_t steps = 0;  ///< over all epochs; 0: what the epochs have
  bool validates = false;
  std::vector<std::vector<std::int32_t>> prompts;
  std::int64_t sample_tokens = 0;
  model::SamplingOptions sampling;
  std::chrono::milliseconds timeout{};  ///< of everything but an epoch
};

/// Runs epoch after epoch: begins one, waits for epoch_done, evaluates, samples the
/// prompts; at the end, or when an epoch fails, it has the lifecycle stop the run, and
/// reports when all telemetry has been heard.
class driver : public runtime::recorded<driver_actor::base>, public runtime::Explorable {
 public:
  driver(caf::actor_config& config, DriverSettings settings);

  const char* name() const override { return "driver"; }
  /// A promise holds the actor that made it: it lets go of an unanswered one.
  void on_exit() override { state_ = {}; }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;

 protected:
  behavior_type make_behavior() override;

 private:
  void next_epoch();
  void epoch_ended(const epoch_done& done);
  void evaluate_version();
  void sample(std::size_t prompt);
  void end(std::optional<Error> reason);
  void deliver(std::optional<Error> reason, const model::Checkpoint& checkpoint);
  bool is_finished() const;
  /// The run's end was reported, perhaps before others have heard of it.
  bool is_over() const { return !state_.answer.pending(); }

  struct State {
    caf::typed_response_promise<run_ended> answer;  ///< none before the run and after it
    Envelope envelope;                              ///< of the next epoch
    bool was_stopped = false;
  };

  DriverSettings settings_;
  State state_;
};

}  // namespace nodezero::actors
