// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/optimizer.hpp"

#include <algorithm>
#include <cmath>
#include <utility>

namespace nodezero::actors {
namespace {

std::shared_ptr<const model::OptimizerState> copy_of_state(const model::OptimizerState& state) {
  auto copy = std::make_shared<model::OptimizerState>(state.first_moment.layout());
  std::ranges::copy(state.first_moment.values(), copy->first_moment.values().begin());
  std::ranges::copy(state.second_moment.values(), copy->second_moment.values().begin());
  copy->step = state.step;
  return copy;
}

}  // namespace

optimizer::optimizer(caf::actor_config& config, OptimizerStart start, lane_scheduler_actor lanes)
    : recorded(config),
      config_(start.config),
      total_steps_(start.total_steps),
      lane_count_(start.lanes),
      lanes_(std::move(lanes)),
      state_{start.envelope, std::move(start.weights), std::move(start.state), false, {}} {}

optimizer::behavior_type optimizer::make_behavior() {
  return {
      [this](const apply& message) { return begin(message); },
      [this](const export_state& message) { return begin(message); },
  };
}

std::uint64_t optimizer::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

const char* optimizer::state_name() const {
  return state_.is_retired ? "retired" : state_.update ? "updating" : "idle";
}

bool optimizer::is_current(const Envelope& envelope) const {
  const auto& here = state_.envelope;
  return envelope.run == here.run && envelope.step == here.step && envelope.version == here.version;
}

/// Nothing if a message of that place can be taken now.
caf::error optimizer::refusal(const Envelope& envelope) const {
  if (!is_idle()) {
    return make_error({ErrorCode::wrong_state,
                       state_.is_retired ? "the state was handed over" : "an update is running",
                       at(envelope)});
  }
  if (!is_current(envelope)) {
    return make_error(
        {ErrorCode::stale, "the optimizer is at " + to_string(state_.envelope), at(envelope)});
  }
  return {};
}

caf::result<optimizer_complete> optimizer::begin(const apply& message) {
  if (auto refused = refusal(message.envelope)) {
    return refused;
  }
  if (!message.with_gradient) {
    return optimizer_complete(message.envelope, weights().publish(),
                              message.export_state ? copy_of_state(*state_.moments) : nullptr, 0,
                              0);
  }
  if (!message.sum.full() || !*message.sum.peek() || message.valid_tokens <= 0) {
    return make_error({ErrorCode::conservation, "the sum of a step has no gradient or no tokens",
                       at(message.envelope)});
  }
  state_.envelope.epoch = message.envelope.epoch;
  const auto task = std::make_shared<UpdateTask>();
  task->config = config_;
  task->gradient = message.sum.take();
  task->state = state_.moments;
  auto promise = make_response_promise<optimizer_complete>();
  state_.update.emplace(Update{{task}, promise, message.valid_tokens, message.export_state, 0, 0});
  const std::size_t blocks = model::norm_block_count(*weights().current().layout());
  if (message.squared_norms.size() == blocks) {
    task->squared_norms = message.squared_norms;
    norm_known();
  } else {
    task->squared_norms.resize(blocks);
    run_phase(Phase::norm);
  }
  return promise;
}

caf::result<exported_state> optimizer::begin(const export_state& message) {
  // A run that failed during an update does not count it, and must not be saved with its weights.
  if (auto refused = refusal(message.envelope)) {
    return refused;
  }
  state_.is_retired = true;
  return exported_state{state_.envelope, weights().publish(), state_.moments};
}

void optimizer::run_phase(Phase phase) {
  auto& update = *state_.update;
  const auto& layout = weights().current().layout();
  if (phase == Phase::copy_state) {
    (*update.task)->state_copy = std::make_shared<model::OptimizerState>(layout);
  }
  const std::size_t blocks = model::norm_block_count(*layout);
  const std::size_t shards = std::min<std::size_t>(lane_count_, blocks);
  update.shards_running = shards;
  for (std::size_t i = 0; i < shards; ++i) {
    request(lanes_, caf::infinite,
            update_shard{state_.envelope, phase, *update.task, blocks * i / shards,
                         blocks * (i + 1) / shards})
        .then(
            [this, phase](const shard_done&) {
              if (--state_.update->shards_running == 0) {
                phase_done(phase);
              }
            },
            // Shards that did not answer may still be writing: nothing can be trusted.
            [this](const caf::error& error) { quit(error); });
  }
}

void optimizer::phase_done(Phase phase) {
  auto& task = **state_.update->task;
  switch (phase) {
    case Phase::norm:
      norm_known();
      break;
    case Phase::update:
      weights().commit_next();
      ++state_.moments->step;
      ++state_.envelope.step;
      ++state_.envelope.version;
      if (state_.update->export_afterwards) {
        task.gradient = {};
        run_phase(Phase::copy_state);
      } else {
        finish();
      }
      break;
    case Phase::copy_state:
      task.state_copy->step = task.state->step;
      finish();
      break;
  }
}

void optimizer::norm_known() {
  auto& update = *state_.update;
  auto& task = **update.task;
  const double tokens = static_cast<double>(update.valid_tokens);
  update.norm = std::sqrt(model::sum_along_tree(task.squared_norms)) / tokens;
  if (!std::isfinite(update.norm)) {
    fail({ErrorCode::not_finite,
          "the gradient's norm is not finite, so it was not applied; a lower learning rate may "
          "help",
          at(state_.envelope)});
    return;
  }
  // The small constant is torch.nn.utils.clip_grad_norm_'s.
  const double clip = config_.clip;
  const double coefficient = clip > 0 ? std::min(1.0, clip / (update.norm + 1e-6)) : 1.0;
  task.scalars.step = state_.moments->step + 1;
  task.scalars.learning_rate = model::learning_rate_at(config_, state_.moments->step, total_steps_);
  task.scalars.gradient_scale = coefficient / tokens;

  const auto next = weights().begin_next();
  task.next = next.buffer;
  task.weights = next.is_in_place ? nullptr : weights().publish();
  run_phase(Phase::update);
}

void optimizer::finish() {
  auto update = std::move(*std::exchange(state_.update, std::nullopt));
  auto& task = **update.task;
  task.weights.reset();
  task.gradient = {};
  const auto& here = state_.envelope;
  const Envelope applied{here.run, here.epoch, here.step - 1, here.version};
  update.applied.deliver(optimizer_complete(applied, weights().publish(), task.state_copy,
                                            update.norm, task.scalars.learning_rate));
}

void optimizer::fail(Error reason) {
  auto promise = std::move(state_.update->applied);
  state_.update.reset();
  promise.deliver(make_error(std::move(reason)));
}

}  // namespace nodezero::actors
