// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/node_zero.hpp"

#include <numeric>
#include <utility>

#include "actors/fingerprints.hpp"
#include "actors/step_plan.hpp"

namespace nodezero::actors {

node_zero::node_zero(caf::actor_config& config, NodeZeroSettings settings)
    : sphere_parent(config, settings.spheres, settings.spheres->tree->front()),
      node_(std::move(settings)) {
  state_.progress = node_.progress;
  state_.steps.weights = std::move(node_.weights);
}

node_zero::behavior_type node_zero::make_behavior() {
  enter(idle{});
  for (const auto& component :
       {caf::actor_cast<caf::actor>(node_.corpus), caf::actor_cast<caf::actor>(node_.optimizer),
        caf::actor_cast<caf::actor>(node_.lifecycle),
        caf::actor_cast<caf::actor>(node_.checkpointer),
        caf::actor_cast<caf::actor>(settings_->lanes)}) {
    monitor(component);
  }
  set_down_handler([this](const caf::down_msg& down) {
    if (!on_child_down(down)) {
      component_down(down);
    }
  });
  if (node_.only_child) {
    adopt(std::exchange(node_.only_child, nullptr));
  } else {
    spawn_children();
  }
  send(node_.lifecycle, introduction{caf::actor_cast<haltable_actor>(this)});
  return {
      [this](const gradient& message) {
        note_progress();
        on_gradient(message);
      },
      [this](const report& message) {
        note_progress();
        on_report(message);
      },
      [this](const step_failed& message) { on_step_failed(message); },
      [this](const begin_epoch& message) { return begin(message); },
      [this](const evaluate& message) { return begin(message); },
      [this](const halt& message) { return begin(message); },
      [this](const watchdog_tick&) { check_progress(); },
  };
}

std::uint64_t node_zero::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, sums_, family_, state_);
}

const char* node_zero::state_name() const {
  return std::visit([](const auto& phase) { return phase.name; }, state_.phase);
}

// -- requests --------------------------------------------------------------------------------

caf::result<epoch_done> node_zero::begin(const begin_epoch& message) {
  if (in<ended>()) {
    return make_error({ErrorCode::stopped, "the run has been stopped", at(message.envelope)});
  }
  if (!in<idle>() || message.envelope != here()) {
    return make_error({in<idle>() ? ErrorCode::stale : ErrorCode::wrong_state,
                       "node_zero is at " + to_string(here()), at(message.envelope)});
  }
  const auto& progress = state_.progress;
  const std::uint64_t first_step = progress.step - progress.step_in_epoch;
  const std::uint64_t steps =
      steps_in_epoch(*node_.training_batches, progress.epoch, first_step, node_.total_steps);
  auto promise = make_response_promise<epoch_done>();
  const bool has_work = progress.step_in_epoch < steps;
  const std::uint64_t last_step = has_work ? first_step + steps - 1 : progress.step;
  state_.epoch.emplace(OpenEpoch{epoch_gate(promise, here(), last_step), steps});
  send(node_.lifecycle, training{here(), last_step});
  watch();
  if (has_work) {
    plan(Purpose::train);
  } else {
    ask_optimizer(applying{}, {here(), {}, 0, false, false, {}});
  }
  return promise;
}

caf::result<EvaluationSummary> node_zero::begin(const evaluate& message) {
  if (in<ended>()) {
    return make_error({ErrorCode::stopped, "the run has been stopped", at(message.envelope)});
  }
  if (!in<idle>() || !node_.validates || message.envelope != here()) {
    return make_error({ErrorCode::wrong_state, "nothing can be evaluated at " + to_string(here()),
                       at(message.envelope)});
  }
  state_.evaluation = make_response_promise<EvaluationSummary>();
  watch();
  plan(Purpose::evaluate);
  return state_.evaluation;
}

caf::result<halted> node_zero::begin(const halt& message) {
  if (in<ended>() || state_.halt.pending()) {
    return make_error({ErrorCode::wrong_state, "already halted", at(message.envelope)});
  }
  state_.halt = make_response_promise<halted>();
  auto promise = state_.halt;
  if (in<applying>()) {
    return promise;  // the step counts; take_proof goes on from there
  }
  give_up_step({ErrorCode::stopped, "the run was asked to stop", at(here())});
  finish_halt();
  return promise;
}

// -- one step --------------------------------------------------------------------------------

void node_zero::plan(Purpose purpose) {
  enter(planning{purpose});
  if (purpose == Purpose::evaluate) {
    ask_corpus(purpose, 0);
    return;
  }
  if (auto ahead = std::exchange(state_.steps.planned_ahead, std::nullopt);
      ahead && ahead->envelope.step == state_.progress.step) {
    distribute_plan(*ahead);
  } else if (state_.steps.asked != state_.progress.step) {
    ask_corpus(purpose, 0);
  }
}

void node_zero::ask_corpus(Purpose purpose, std::uint64_t steps_ahead) {
  Envelope envelope = here();
  envelope.step += steps_ahead;
  std::uint64_t step_in_epoch = state_.steps.parts_evaluated;
  if (purpose == Purpose::train) {
    state_.steps.asked = envelope.step;
    step_in_epoch = state_.progress.step_in_epoch + steps_ahead;
  }
  // The corpus always answers, or goes down; a host may keep it waiting for batches.
  request(node_.corpus, caf::infinite, plan_step{envelope, purpose, step_in_epoch})
      .then([this](const step_plan& answer) { take_plan(answer); },
            [this](const caf::error& error) {
              if (is_working()) {
                fail_epoch(to_error(error));
              }
            });
}

void node_zero::take_plan(const step_plan& answer) {
  if (!is_working()) {
    return;
  }
  note_progress();
  const auto* waiting = std::get_if<planning>(&state_.phase);
  const std::uint64_t step = state_.progress.step;
  if (answer.purpose == Purpose::train) {
    state_.steps.asked.reset();
  }
  if (waiting && waiting->purpose == answer.purpose && answer.envelope.step == step) {
    distribute_plan(answer);
  } else if (answer.purpose == Purpose::train && answer.envelope.step == step + 1) {
    state_.steps.planned_ahead = answer;
  }
}

void node_zero::distribute_plan(const step_plan& plan) {
  const PositionRange range = plan.batches->range();
  const auto& earlier = state_.steps.part_sums;
  const std::uint32_t first =
      earlier.empty() || plan.purpose == Purpose::train ? 0 : earlier.back().range.last;
  if (range.first != first || !plan.batches->tree().contains(range)) {
    fail_epoch({ErrorCode::conservation,
                "micro-batches were planned that are not the next of their step", at(here())});
    return;
  }
  enter(reducing{plan.purpose, range.size()});
  std::vector<std::uint32_t> positions(range.size());
  std::iota(positions.begin(), positions.end(), range.first);
  distribute({here(), plan.purpose, state_.steps.weights, plan.batches, std::move(positions), {}});
  if (plan.purpose == Purpose::train && state_.progress.step_in_epoch + 1 < state_.epoch->steps) {
    ask_corpus(Purpose::train, 1);
  }
}

void node_zero::pass_up(Partial sum) {
  state_.steps.sum = std::move(sum);
  close_if_complete();
}

void node_zero::step_closed() {
  // Children were checked one by one; this is the law for the whole step.
  const auto [purpose, micro_batches] = std::get<reducing>(state_.phase);
  const OpenStep& step = open_step();
  auto& sum = state_.steps.sum;
  const bool conserved = sum && sum->range == step.step.batches->range() &&
                         sum->loss.valid_tokens == step.loss.valid_tokens;
  if (!conserved) {
    step_lost({ErrorCode::conservation,
               "the reports and the sum of the step are not of the same micro-batches",
               at(here())});
    return;
  }
  const applying next{sum->loss, micro_batches, step.spheres_busy};
  const PositionTree tree = step.step.batches->tree();
  close_family();
  if (purpose == Purpose::evaluate) {
    part_evaluated(*std::exchange(sum, std::nullopt), tree);
    return;
  }
  apply message{here(), Moved(std::move(sum->gradient)),  next.loss.valid_tokens,
                true,   checkpoint_due_after_this_step(), std::move(sum->squared_norms)};
  sum.reset();
  state_.steps.weights.reset();
  ask_optimizer(next, std::move(message));
}

void node_zero::step_lost(Error reason) {
  fail_epoch(std::move(reason));
}

void node_zero::ask_optimizer(applying phase, apply message) {
  enter(phase);
  request(node_.optimizer, caf::infinite, std::move(message))
      .then([this](const optimizer_complete& proof) { take_proof(proof); },
            [this](const caf::error& error) {
              if (in<applying>()) {
                fail_epoch(to_error(error));
              }
            });
}

void node_zero::take_proof(const optimizer_complete& proof) {
  if (!in<applying>()) {
    return;
  }
  note_progress();
  auto& progress = state_.progress;
  const std::uint64_t applied = progress.step_in_epoch < state_.epoch->steps ? 1 : 0;
  if (!proof.sealed() || proof.envelope().step != progress.step ||
      proof.envelope().version != progress.version + applied) {
    fail_epoch({proof.sealed() ? ErrorCode::stale : ErrorCode::unsealed,
                "the optimizer's proof is not of this step", at(here())});
    return;
  }
  state_.steps.weights = proof.weights();
  if (applied > 0) {
    count_step(proof);
  }
  const bool is_last = progress.step_in_epoch >= state_.epoch->steps;
  if (is_last) {
    end_epoch();
  }
  if (proof.state()) {
    save_checkpoint(proof);
  }
  if (is_last) {
    enter(idle{});
    send_snapshot(true);
    auto gate = std::move(std::exchange(state_.epoch, std::nullopt)->gate);
    std::move(gate).complete(proof);
  }
  if (state_.halt.pending()) {
    give_up_step({ErrorCode::stopped, "the run was asked to stop", at(here())});
    finish_halt();
  } else if (!is_last) {
    const bool evaluates =
        node_.validates && node_.evaluate_every > 0 && progress.step % node_.evaluate_every == 0;
    if (!evaluates && node_.snapshot_every > 0 && progress.step % node_.snapshot_every == 0) {
      send_snapshot(false);
    }
    plan(evaluates ? Purpose::evaluate : Purpose::train);
  }
}

void node_zero::count_step(const optimizer_complete& proof) {
  const auto& step = std::get<applying>(state_.phase);
  const auto tokens = static_cast<std::uint64_t>(step.loss.valid_tokens);
  auto& progress = state_.progress;
  send(settings_->observer,
       telemetry_step{{progress.epoch, progress.step, progress.step_in_epoch, state_.epoch->steps,
                       proof.envelope().version,
                       step.loss.negative_log_likelihood / static_cast<double>(tokens),
                       proof.gradient_norm(), proof.learning_rate(), tokens, step.micro_batches,
                       step.spheres_busy}});
  progress.epoch_negative_log_likelihood += step.loss.negative_log_likelihood;
  progress.epoch_tokens += tokens;
  ++progress.step;
  ++progress.step_in_epoch;
  progress.version = proof.envelope().version;
}

void node_zero::end_epoch() {
  auto& progress = state_.progress;
  const auto tokens = static_cast<double>(std::max<std::uint64_t>(progress.epoch_tokens, 1));
  send(settings_->observer,
       telemetry_epoch{{progress.epoch, state_.epoch->steps, progress.version,
                        progress.epoch_negative_log_likelihood / tokens, progress.epoch_tokens}});
  ++progress.epoch;
  progress.step_in_epoch = 0;
  progress.epoch_negative_log_likelihood = 0;
  progress.epoch_tokens = 0;
}

void node_zero::part_evaluated(Partial part, const PositionTree& tree) {
  auto& steps = state_.steps;
  auto& sums = steps.part_sums;
  while (!sums.empty() && tree.sibling(part.range) == sums.back().range) {
    part.range.first = sums.back().range.first;
    part.loss = sums.back().loss + part.loss;
    sums.pop_back();
  }
  if (part.range == tree.root()) {
    steps.parts_evaluated = 0;
    evaluation_closed(part.loss);
    return;
  }
  ++steps.parts_evaluated;
  sums.push_back(std::move(part));
  plan(Purpose::evaluate);
}

void node_zero::evaluation_closed(const model::LossSum& loss) {
  EvaluationSummary summary{state_.progress.epoch,
                            state_.progress.step,
                            state_.progress.version,
                            loss.negative_log_likelihood / static_cast<double>(loss.valid_tokens),
                            static_cast<std::uint64_t>(loss.valid_tokens),
                            false};
  keep_best(summary);
  send(settings_->observer, telemetry_evaluation{summary});
  if (state_.evaluation.pending()) {
    enter(idle{});
    std::exchange(state_.evaluation, {}).deliver(summary);
    return;
  }
  send_snapshot(false);
  plan(Purpose::train);
}

}  // namespace nodezero::actors
