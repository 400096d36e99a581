// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <variant>
#include <vector>

#include "actors/epoch_gate.hpp"
#include "actors/spheres/sphere_parent.hpp"

namespace nodezero::actors {

/// Whoever knows how much was done: the lanes' scheduler or, with other machines, who plans for
/// all.
using counting_actor = caf::typed_actor<runtime::Answers<count_finished, finished_count>>;

/// What node_zero is given.
struct NodeZeroSettings {
  SphereSettingsPtr spheres;
  corpus_actor corpus;
  optimizer_actor optimizer;
  lifecycle_actor lifecycle;
  checkpointer_actor checkpointer;
  std::shared_ptr<const model::BatchSource> training_batches;
  bool validates = false;
  bool waits_for_batches = false;  ///< a host submits them when it likes
  std::uint64_t total_steps = 0;   ///< over all epochs; the last one may be cut short by it
  std::uint64_t evaluate_every = 0;
  std::uint64_t snapshot_every = 0;  ///< steps; 0: with evaluations and epochs only
  std::uint64_t checkpoint_every = 0;
  model::ModelConfig model;
  model::TrainingProgress progress;  ///< where the run stands
  ParametersPtr weights;             ///< the version that progress names
  counting_actor finished;           ///< where the watchdog asks; null: the lanes
  sphere_actor only_child;  ///< if other machines take part: it has the tree below it. Else null
};

/// The root of the tree and the owner of the epoch: one step after the other it asks the
/// corpus for micro-batches, has the tree reduce their gradients, and has the optimizer
/// apply the sum. It answers begin_epoch when, and only when, the optimizer has proved the
/// epoch's last step.
class node_zero : public sphere_parent<node_zero_actor::base> {
 public:
  node_zero(caf::actor_config& config, NodeZeroSettings settings);

  const char* name() const override { return "node_zero"; }
  /// Promises hold the actor that made them: it lets go of those that are unanswered.
  void on_exit() override {
    state_.epoch.reset();
    state_.evaluation = {};
    state_.halt = {};
  }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  const char* state_name() const override;

  // The phases, with their names in traces:
  struct idle {
    static constexpr auto name = "idle";
  };
  /// The corpus has been asked for the micro-batches of a step.
  struct planning {
    static constexpr auto name = "planning";
    Purpose purpose;
  };
  /// The tree computes a step.
  struct reducing {
    static constexpr auto name = "reducing";
    Purpose purpose;
    std::uint32_t micro_batches;
  };
  /// The optimizer applies the step's sum; nothing is summed in an epoch without steps.
  struct applying {
    static constexpr auto name = "applying";
    model::LossSum loss;
    std::uint32_t micro_batches;
    std::uint32_t spheres_busy;
  };
  /// An epoch has failed; only a halt is accepted.
  struct failed {
    static constexpr auto name = "failed";
  };
  /// The run was halted.
  struct ended {
    static constexpr auto name = "ended";
  };
  using Phase = std::variant<idle, planning, reducing, applying, failed, ended>;

 protected:
  behavior_type make_behavior() override;
  void pass_up(Partial sum) override;
  void step_closed() override;
  void step_lost(Error reason) override;

 private:
  /// The epoch that is being trained.
  struct OpenEpoch {
    epoch_gate gate;
    std::uint64_t steps = 0;
  };

  caf::result<epoch_done> begin(const begin_epoch& message);
  caf::result<EvaluationSummary> begin(const evaluate& message);
  caf::result<halted> begin(const halt& message);

  // One step:
  void plan(Purpose purpose);
  void ask_corpus(Purpose purpose, std::uint64_t steps_ahead);
  void take_plan(const step_plan& answer);
  void distribute_plan(const step_plan& plan);
  void ask_optimizer(applying phase, apply message);
  void take_proof(const optimizer_complete& proof);
  void count_step(const optimizer_complete& proof);
  void end_epoch();
  void part_evaluated(Partial part, const PositionTree& tree);
  void evaluation_closed(const model::LossSum& loss);

  // The ends of an epoch and of the run:
  void fail_epoch(Error reason);
  void give_up_step(Error reason);
  void finish_halt();
  void component_down(const caf::down_msg& down);

  // Beside the protocol:
  void save_checkpoint(const optimizer_complete& proof);
  void save_failed(std::string_view what, Error reason);
  void keep_best(EvaluationSummary& summary);
  void send_snapshot(bool epoch_boundary);
  void notice(std::string text);
  void watch();
  void check_progress();

  bool checkpoint_due_after_this_step();
  Envelope here() const {
    const auto& progress = state_.progress;
    return {progress.run, progress.epoch, progress.step, progress.version};
  }
  bool is_working() const { return in<planning>() || in<reducing>() || in<applying>(); }
  template <class S>
  void enter(S next) {
    this->record_state(S::name, state_.progress.step);
    state_.phase = next;
  }
  template <class S>
  bool in() const {
    return std::holds_alternative<S>(state_.phase);
  }
  /// Enters a phase after which there is no other step.
  template <class S>
  void enter_end(S next) {
    enter(next);
    state_.steps = {};
  }
  /// Something has happened that the watchdog counts as progress.
  void note_progress() { state_.steps.events += is_working() ? 1 : 0; }

  /// What goes from step to step.
  struct Steps {
    ParametersPtr weights;  ///< given away while the optimizer applies
    std::optional<step_plan> planned_ahead;
    std::optional<std::uint64_t> asked;  ///< training step whose plan is on its way
    std::optional<Partial> sum;         ///< of all micro-batches of the open step, when it has come
    std::uint64_t parts_evaluated = 0;  ///< of the evaluation that is under way
    std::vector<Partial> part_sums;     ///< their sums, as far as they have no sibling yet
    bool checkpoint_in_flight = false;
    bool watched = false;
    std::uint64_t events = 0;          ///< what the watchdog counts as progress here
    std::uint64_t events_at_tick = 0;  ///< and with what the lanes had finished
  };
  struct State {
    Phase phase;
    model::TrainingProgress progress;
    std::optional<OpenEpoch> epoch;
    caf::typed_response_promise<EvaluationSummary> evaluation;  ///< of a request, if pending
    caf::typed_response_promise<halted> halt;
    Steps steps;  ///< nothing once an epoch has failed or the run was halted
  };

  NodeZeroSettings node_;
  State state_;
};

}  // namespace nodezero::actors
