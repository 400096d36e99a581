// SPDX-License-Identifier: BSD-3-Clause
#include "verify/scenarios/stand_ins.hpp"

#include <algorithm>
#include <numeric>
#include <utility>

#include "actors/run/corpus.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::verify {

using actors::computed;
using actors::Moved;
using actors::Partial;
using actors::UpdateTask;

namespace {

/// All of a gradient's squared norm as that of its first block: a wrong sum has another norm.
void set_norm(const model::Parameters& gradient, std::vector<double>& squared_norms) {
  std::ranges::fill(squared_norms, 0.0);
  if (!squared_norms.empty()) {
    const auto values = gradient.values();
    squared_norms.front() = std::inner_product(values.begin(), values.end(), values.begin(), 0.0);
  }
}

/// Adds two siblings place by place, as a lane does.
void add(const actors::sum_shard& shard) {
  auto& task = *shard.task;
  model::add_in_place((*task.left.gradient).values(), (*task.right.gradient).values());
  set_norm(*task.left.gradient, task.left.squared_norms);
  if (task.unfinished.fetch_sub(1) == 1) {
    task.right.gradient = {};
  }
}

/// A loss that says which weights were read, as a real one does: by the ledger's first two numbers,
/// the version and whether it is whole.
double loss_of(const model::Parameters& weights) {
  const auto values = weights.values().first(2);
  return std::accumulate(values.begin(), values.end(), 1.0);
}

Partial begun(const actors::compute& task, Ledger& ledger, actors::GradientLease buffer) {
  Partial part;
  part.range = {task.position, task.position + 1};
  part.loss = {loss_of(*task.weights), 1};
  if (task.purpose == actors::Purpose::train) {
    part.gradient = std::move(buffer);
    ledger.compute(task, *part.gradient);
  } else {
    ledger.check_weights(*task.weights, task.envelope.version, "an evaluation");
  }
  return part;
}

void do_other_phase(const actors::update_shard& shard) {
  if (shard.phase == UpdateTask::Phase::norm) {
    set_norm(*shard.task->gradient, shard.task->squared_norms);
  }
}

/// Each token is the version that it came from.
void generate_in_place(actors::GenerationSession& session, const actors::generate_some& task) {
  if (session.request.input.value) {
    session.output = AnyValue::of(task.envelope.version);
  }
  const auto left = session.request.tokens - static_cast<std::int64_t>(session.tokens.size());
  for (std::int64_t i = 0; i < std::min(left, task.tokens); ++i) {
    session.tokens.push_back(static_cast<std::int32_t>(task.envelope.version));
    if (session.request.options.listener) {
      session.news.push_back({session.tokens.back()});
    }
  }
}

}  // namespace

// -- lane ----------------------------------------------------------------------------------------

void stand_in_lane::in_two_halves(const caf::response_promise& answer,
                                  std::function<void()> second) {
  const auto from = answer.source()->id();
  if (!second_halves_.empty() && second_halves_.back().from == from) {
    ledger_.broken("a lane was given work before it had done what the same run gave it");
  }
  second_halves_.push_back({from, std::move(second)});
  send(this, caf::unit);
}

stand_in_lane::behavior_type stand_in_lane::make_behavior() {
  return {
      [this](const actors::compute& task) -> caf::result<computed> {
        auto promise = make_response_promise<computed>();
        auto buffer = task.buffer->full() ? task.buffer->take() : actors::GradientLease{};
        auto part = std::make_shared<Partial>(begun(task, ledger_, std::move(buffer)));
        in_two_halves(promise, [this, promise, task = actors::compute(task), part]() mutable {
          ledger_.check_weights(*task.weights, task.envelope.version, "a micro-batch's backward");
          part->loss.negative_log_likelihood += loss_of(*task.weights);
          task.weights.reset();
          promise.deliver(computed{task.envelope, Moved(std::move(*part))});
        });
        return promise;
      },
      [](const actors::sum_shard& shard) -> caf::result<actors::shard_done> {
        add(shard);
        return actors::shard_done{shard.envelope};
      },
      [this](const actors::update_shard& shard) -> caf::result<actors::shard_done> {
        if (shard.phase != UpdateTask::Phase::update) {
          do_other_phase(shard);
          return actors::shard_done{shard.envelope};
        }
        auto promise = make_response_promise<actors::shard_done>();
        ledger_.begin_update(*shard.task);
        in_two_halves(promise, [this, promise, shard = actors::update_shard(shard)]() mutable {
          ledger_.finish_update(*shard.task, shard.envelope);
          shard.task.reset();
          promise.deliver(actors::shard_done{shard.envelope});
        });
        return promise;
      },
      [this](const actors::generate_some& task) -> caf::result<actors::generated_some> {
        auto promise = make_response_promise<actors::generated_some>();
        for (const auto& session : task.sessions) {
          if (!session->weights) {
            ledger_.broken("a generation got no weights");
            return promise;
          }
          ledger_.check_weights(*session->weights, task.envelope.version, "a generation");
        }
        in_two_halves(promise, [this, promise, task = actors::generate_some(task)]() mutable {
          for (const auto& session : task.sessions) {
            ledger_.check_weights(*session->weights, task.envelope.version, "a generation");
            generate_in_place(*session, task);
          }
          task.sessions.clear();
          promise.deliver(actors::generated_some{task.envelope});
        });
        return promise;
      },
      [this](caf::unit_t) {
        const auto begun = std::move(second_halves_.front());
        second_halves_.pop_front();
        begun.second();
      },
  };
}

// -- surroundings --------------------------------------------------------------------------------

surroundings::behavior_type surroundings::make_behavior() {
  using namespace actors;
  return {
      // lanes
      [this](const actors::compute& task) -> caf::result<computed> {
        return computed{task.envelope, Moved(begun(task, ledger_, gradients_->lease()))};
      },
      [](const sum_shard& shard) -> caf::result<shard_done> {
        add(shard);
        return shard_done{shard.envelope};
      },
      [this](const update_shard& shard) -> caf::result<shard_done> {
        if (shard.phase == UpdateTask::Phase::update) {
          ledger_.begin_update(*shard.task);
          ledger_.finish_update(*shard.task, shard.envelope);
        } else {
          do_other_phase(shard);
        }
        return shard_done{shard.envelope};
      },
      [](const generate_some& task) -> caf::result<generated_some> {
        return generated_some{task.envelope};
      },
      [](const abandon&) {},
      [](const count_finished&) { return finished_count{}; },
      // corpus
      [this](const plan_step& request) -> caf::result<step_plan> {
        return step_plan{request.envelope, request.purpose, batches_of(*batches_, request)};
      },
      // lifecycle
      [](const introduction&) {},
      [](const training&) {},
      [](const snapshot&) {},
      [](const epoch_failed&) {},
      [](const generate&) -> caf::result<generated> { return generated{}; },
      [](const stop&) -> caf::result<stopped> { return stopped{}; },
      [](const inference_deadline&) {},
      [](const abandon_request&) {},
      // checkpointer
      [](const save& request) -> caf::result<saved> {
        return saved{request.envelope, {}};
      },
      [](const save_best& request) -> caf::result<saved> {
        return saved{request.envelope, {}};
      },
      // observer
      [](const telemetry_step&) {},
      [](const telemetry_evaluation&) {},
      [](const telemetry_epoch&) {},
      [](const telemetry_sample&) {},
      [](const telemetry_checkpoint&) {},
      [](const telemetry_notice&) {},
      [](const telemetry_flush&) { return telemetry_flushed{}; },
  };
}

}  // namespace nodezero::verify
