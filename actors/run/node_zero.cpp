// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/node_zero.hpp"

#include <numeric>
#include <utility>

#include "actors/step_plan.hpp"

namespace nodezero::actors {

node_zero::node_zero(caf::actor_config& config, NodeZeroSettings settings)
    : sphere_parent(config, settings.spheres, settings.spheres->tree->front()),
      node_(std::move(settings)),
      progress_(node_.progress),
      weights_(std::move(node_.weights)) {}

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
  spawn_children();
  send(node_.lifecycle, introduction{caf::actor_cast<haltable_actor>(this)});
  return {
      [this](const gradient& message) {
        ++events_;
        on_gradient(message);
      },
      [this](const report& message) {
        ++events_;
        on_report(message);
      },
      [this](const step_failed& message) { on_step_failed(message); },
      [this](const begin_epoch& message) { return begin(message); },
      [this](const evaluate& message) { return begin(message); },
      [this](const halt& message) { return begin(message); },
      [this](const watchdog_tick&) { check_progress(); },
  };
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
  const std::uint64_t first_step = progress_.step - progress_.step_in_epoch;
  const std::uint64_t steps =
      steps_in_epoch(*node_.training_batches, progress_.epoch, first_step, node_.total_steps);
  auto promise = make_response_promise<epoch_done>();
  const bool has_work = progress_.step_in_epoch < steps;
  const std::uint64_t last_step = has_work ? first_step + steps - 1 : progress_.step;
  epoch_.emplace(OpenEpoch{epoch_gate(promise, here(), last_step), steps});
  send(node_.lifecycle, training{here(), last_step});
  watch();
  if (has_work) {
    plan(Purpose::train);
  } else {
    ask_optimizer({here(), {}, 0, false, false, {}});
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
  evaluation_ = make_response_promise<EvaluationSummary>();
  watch();
  plan(Purpose::evaluate);
  return evaluation_;
}

caf::result<halted> node_zero::begin(const halt& message) {
  if (in<ended>() || halt_.pending()) {
    return make_error({ErrorCode::wrong_state, "already halted", at(message.envelope)});
  }
  halt_ = make_response_promise<halted>();
  auto promise = halt_;
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
  if (auto ahead = std::exchange(planned_ahead_, std::nullopt);
      ahead && ahead->envelope.step == progress_.step) {
    distribute_plan(*ahead);
  } else if (asked_step_ != progress_.step) {
    ask_corpus(purpose, 0);
  }
}

void node_zero::ask_corpus(Purpose purpose, std::uint64_t steps_ahead) {
  Envelope envelope = here();
  envelope.step += steps_ahead;
  std::uint64_t step_in_epoch = 0;
  if (purpose == Purpose::train) {
    asked_step_ = envelope.step;
    step_in_epoch = progress_.step_in_epoch + steps_ahead;
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
  ++events_;
  const auto* waiting = std::get_if<planning>(&state_);
  if (answer.purpose == Purpose::train) {
    asked_step_.reset();
  }
  if (waiting && waiting->purpose == answer.purpose && answer.envelope.step == progress_.step) {
    distribute_plan(answer);
  } else if (answer.purpose == Purpose::train && answer.envelope.step == progress_.step + 1) {
    planned_ahead_ = answer;
  }
}

void node_zero::distribute_plan(const step_plan& plan) {
  if (plan.batches->batches.empty()) {
    fail_epoch({ErrorCode::conservation, "a step without micro-batches was planned", at(here())});
    return;
  }
  enter(reducing{plan.purpose});
  micro_batches_ = plan.batches->size();
  std::vector<std::uint32_t> positions(micro_batches_);
  std::iota(positions.begin(), positions.end(), 0);
  distribute({here(), plan.purpose, weights_, plan.batches, std::move(positions), {}});
  if (plan.purpose == Purpose::train && progress_.step_in_epoch + 1 < epoch_->steps) {
    ask_corpus(Purpose::train, 1);
  }
}

void node_zero::pass_up(Partial sum) {
  sum_ = std::move(sum);
  close_if_complete();
}

void node_zero::step_closed(report total) {
  // Children were checked one by one; this is the law for the whole step.
  const bool conserved = sum_ && sum_->range == PositionRange{0, micro_batches_} &&
                         sum_->loss.valid_tokens == total.loss.valid_tokens;
  if (!conserved) {
    step_lost({ErrorCode::conservation,
               "the reports and the sum of the step are not of the same micro-batches",
               at(here())});
    return;
  }
  spheres_busy_ = total.spheres_busy;
  loss_ = sum_->loss;
  const Purpose purpose = step_.purpose;
  close();
  if (purpose == Purpose::evaluate) {
    sum_.reset();
    evaluation_closed();
    return;
  }
  auto sum = std::move(sum_->gradient);
  auto squared_norms = std::move(sum_->squared_norms);
  sum_.reset();
  weights_.reset();
  ask_optimizer({here(), Moved(std::move(sum)), loss_.valid_tokens, true,
                 checkpoint_due_after_this_step(), std::move(squared_norms)});
}

void node_zero::step_lost(Error reason) {
  fail_epoch(std::move(reason));
}

void node_zero::ask_optimizer(apply message) {
  enter(applying{});
  request(node_.optimizer, caf::infinite, std::move(message))
      .then([this](const optimizer_complete& proof) { take_proof(proof); },
            [this](const caf::error& error) {
              if (in<applying>()) {
                fail_epoch(to_error(error));
              }
            });
}

void node_zero::take_proof(const optimizer_complete& proof) {
  ++events_;
  const std::uint64_t applied = epoch_ && progress_.step_in_epoch < epoch_->steps ? 1 : 0;
  if (!in<applying>() || !proof.sealed() || proof.envelope().step != progress_.step ||
      proof.envelope().version != progress_.version + applied) {
    if (in<applying>()) {
      fail_epoch({proof.sealed() ? ErrorCode::stale : ErrorCode::unsealed,
                  "the optimizer's proof is not of this step", at(here())});
    }
    return;
  }
  weights_ = proof.weights();
  if (applied > 0) {
    count_step(proof);
  }
  const bool is_last = progress_.step_in_epoch >= epoch_->steps;
  if (is_last) {
    send(settings_->observer, telemetry_epoch{{progress_.epoch, epoch_->steps, progress_.version,
                                               progress_.epoch_negative_log_likelihood /
                                                   static_cast<double>(std::max<std::uint64_t>(
                                                       progress_.epoch_tokens, 1)),
                                               progress_.epoch_tokens}});
    ++progress_.epoch;
    progress_.step_in_epoch = 0;
    progress_.epoch_negative_log_likelihood = 0;
    progress_.epoch_tokens = 0;
  }
  if (proof.state()) {
    save_checkpoint(proof);
  }
  if (is_last) {
    enter(idle{});
    send_snapshot(true);
    auto gate = std::move(std::exchange(epoch_, std::nullopt)->gate);
    std::move(gate).complete(proof);
  }
  if (halt_.pending()) {
    give_up_step({ErrorCode::stopped, "the run was asked to stop", at(here())});
    finish_halt();
  } else if (!is_last) {
    const bool evaluates =
        node_.validates && node_.evaluate_every > 0 && progress_.step % node_.evaluate_every == 0;
    plan(evaluates ? Purpose::evaluate : Purpose::train);
  }
}

void node_zero::count_step(const optimizer_complete& proof) {
  const auto tokens = static_cast<std::uint64_t>(loss_.valid_tokens);
  send(settings_->observer,
       telemetry_step{
           {progress_.epoch, progress_.step, progress_.step_in_epoch, epoch_->steps,
            proof.envelope().version, loss_.negative_log_likelihood / static_cast<double>(tokens),
            proof.gradient_norm(), proof.learning_rate(), tokens, micro_batches_, spheres_busy_}});
  progress_.epoch_negative_log_likelihood += loss_.negative_log_likelihood;
  progress_.epoch_tokens += tokens;
  ++progress_.step;
  ++progress_.step_in_epoch;
  progress_.version = proof.envelope().version;
}

void node_zero::evaluation_closed() {
  EvaluationSummary summary{progress_.epoch,
                            progress_.step,
                            progress_.version,
                            loss_.negative_log_likelihood / static_cast<double>(loss_.valid_tokens),
                            static_cast<std::uint64_t>(loss_.valid_tokens),
                            false};
  keep_best(summary);
  send(settings_->observer, telemetry_evaluation{summary});
  if (evaluation_.pending()) {
    enter(idle{});
    std::exchange(evaluation_, {}).deliver(summary);
    return;
  }
  send_snapshot(false);
  plan(Purpose::train);
}

}  // namespace nodezero::actors
