// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>

#include "actors/interfaces.hpp"
#include "actors/run/version_buffers.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// What an optimizer starts from: version, step and run in `envelope`.
struct OptimizerStart {
  OptimizerOptions config;
  std::uint64_t total_steps = 1;
  std::uint32_t lanes = 1;
  Envelope envelope;
  std::shared_ptr<VersionBuffers> weights;  ///< handed over
  std::shared_ptr<model::OptimizerState> state;
};

/// Owns the moments of AdamW and the next version of the weights. Applies the sum of a
/// step exactly once, in three phases of shards on the lanes: the gradient's norm, the
/// update, and on request a copy of the state. Only it can mint optimizer_complete.
class optimizer : public runtime::recorded<optimizer_actor::base>, public runtime::Explorable {
 public:
  optimizer(caf::actor_config& config, OptimizerStart start, lane_scheduler_actor lanes);

  const char* name() const override { return "optimizer"; }
  /// A promise holds the actor that made it: it lets go of an unanswered one.
  void on_exit() override { state_.update.reset(); }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

 protected:
  behavior_type make_behavior() override;

 private:
  using Phase = UpdateTask::Phase;

  caf::result<optimizer_complete> begin(const apply& message);
  caf::result<exported_state> begin(const export_state& message);
  void run_phase(Phase phase);
  void phase_done(Phase phase);
  void norm_known();
  void finish();
  void fail(Error reason);
  caf::error refusal(const Envelope& envelope) const;
  bool is_idle() const { return !state_.update && !state_.is_retired; }
  bool is_current(const Envelope& envelope) const;
  VersionBuffers& weights() { return *state_.weights; }

  struct Update {
    /// Lent to the lanes, whose requests it is in as long as it runs.
    runtime::Unseen<std::shared_ptr<UpdateTask>> task;
    caf::typed_response_promise<optimizer_complete> applied;
    std::int64_t valid_tokens = 0;
    bool export_afterwards = false;
    std::size_t shards_running = 0;
    double norm = 0;
  };
  struct State {
    Envelope envelope;  ///< of the current version; step: the next one to apply
    std::shared_ptr<VersionBuffers> weights;
    std::shared_ptr<model::OptimizerState> moments;
    bool is_retired = false;  ///< all that was handed over, and must not change again
    std::optional<Update> update;
  };

  OptimizerOptions config_;
  std::uint64_t total_steps_;
  std::uint32_t lane_count_;
  lane_scheduler_actor lanes_;
  State state_;
};

}  // namespace nodezero::actors
