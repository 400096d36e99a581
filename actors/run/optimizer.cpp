// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nodezero::actors {

optimizer::optimizer(caf::actor_config& config, OptimizerStart start, lane_scheduler_actor lanes)
    : recorded(config),
      start_(std::move(start)),
      lanes_(std::move(lanes)),
      envelope_(start_.envelope) {}

optimizer::behavior_type optimizer::make_behavior() {
  return {
      [this](const apply& message) { return begin(message); },
      [this](const export_state& message) { return begin(message); },
  };
}

bool optimizer::is_current(const Envelope& envelope) const {
  return envelope.run == envelope_.run && envelope.step == envelope_.step &&
         envelope.version == envelope_.version;
}

caf::error optimizer::refusal(const Envelope& envelope) const {
  return make_error({ErrorCode::wrong_state,
                     is_retired_ ? "the state was handed over" : "an update is running",
                     at(envelope)});
}

caf::result<optimizer_complete> optimizer::begin(const apply& message) {
  if (!is_idle()) {
    return refusal(message.envelope);
  }
  if (!is_current(message.envelope)) {
    return make_error(
        {ErrorCode::stale, "the optimizer is at " + to_string(envelope_), at(message.envelope)});
  }
  if (!message.with_gradient) {
    return optimizer_complete(message.envelope, start_.weights->publish(), nullptr, 0, 0);
  }
  envelope_.epoch = message.envelope.epoch;
  valid_tokens_ = message.valid_tokens;
  export_after_update_ = message.export_state;
  task_ = std::make_shared<UpdateTask>();
  task_->config = start_.config;
  task_->gradient = message.sum.take();
  task_->state = start_.state;
  applied_ = make_response_promise<optimizer_complete>();
  auto promise = applied_;
  const std::size_t blocks = model::norm_block_count(*start_.weights->current().layout());
  if (message.squared_norms.size() == blocks) {
    task_->squared_norms = message.squared_norms;
    norm_known();
  } else {
    task_->squared_norms.resize(blocks);
    run_phase(Phase::norm);
  }
  return promise;
}

caf::result<exported_state> optimizer::begin(const export_state& message) {
  if (!is_idle()) {
    return refusal(message.envelope);
  }
  is_retired_ = true;
  return exported_state{envelope_, start_.weights->publish(), start_.state};
}

void optimizer::run_phase(Phase phase) {
  if (phase == Phase::copy_state) {
    task_->state_copy = std::make_shared<model::OptimizerState>(start_.weights->current().layout());
  }
  const std::size_t blocks = model::norm_block_count(*start_.weights->current().layout());
  const std::size_t shards = std::min<std::size_t>(start_.lanes, blocks);
  shards_running_ = shards;
  for (std::size_t i = 0; i < shards; ++i) {
    request(lanes_, caf::infinite,
            update_shard{envelope_, phase, task_, blocks * i / shards, blocks * (i + 1) / shards})
        .then(
            [this, phase](const shard_done&) {
              if (--shards_running_ == 0) {
                phase_done(phase);
              }
            },
            // Shards that did not answer may still be writing: nothing can be trusted.
            [this](const caf::error& error) { quit(error); });
  }
}

void optimizer::phase_done(Phase phase) {
  switch (phase) {
    case Phase::norm:
      norm_known();
      break;
    case Phase::update:
      start_.weights->commit_next();
      ++start_.state->step;
      ++envelope_.step;
      ++envelope_.version;
      if (export_after_update_) {
        task_->gradient = {};
        run_phase(Phase::copy_state);
      } else {
        finish();
      }
      break;
    case Phase::copy_state:
      task_->state_copy->step = task_->state->step;
      finish();
      break;
  }
}

void optimizer::norm_known() {
  const double tokens = static_cast<double>(valid_tokens_);
  norm_ = std::sqrt(model::sum_along_tree(task_->squared_norms)) / tokens;
  if (!std::isfinite(norm_)) {
    fail({ErrorCode::not_finite,
          "the gradient's norm is not finite, so it was not applied; a lower learning rate may "
          "help",
          at(envelope_)});
    return;
  }
  // The small constant is torch.nn.utils.clip_grad_norm_'s.
  const double clip = start_.config.clip;
  const double coefficient = clip > 0 ? std::min(1.0, clip / (norm_ + 1e-6)) : 1.0;
  task_->scalars.step = start_.state->step + 1;
  task_->scalars.learning_rate =
      model::learning_rate_at(start_.config, start_.state->step, start_.total_steps);
  task_->scalars.gradient_scale = coefficient / tokens;

  const auto next = start_.weights->begin_next();
  task_->next = next.buffer;
  task_->weights = next.is_in_place ? nullptr : start_.weights->publish();
  run_phase(Phase::update);
}

void optimizer::finish() {
  const auto task = std::exchange(task_, nullptr);
  task->weights.reset();
  task->gradient = {};
  auto promise = std::exchange(applied_, {});
  const Envelope applied{envelope_.run, envelope_.epoch, envelope_.step - 1, envelope_.version};
  promise.deliver(optimizer_complete(applied, start_.weights->publish(), task->state_copy, norm_,
                                     task->scalars.learning_rate));
}

void optimizer::fail(Error reason) {
  task_.reset();
  auto promise = std::exchange(applied_, {});
  promise.deliver(make_error(std::move(reason)));
}

}  // namespace nodezero::actors
