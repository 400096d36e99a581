#include "actors/lane.hpp"

#include <algorithm>
#include <exception>

#include "model/adamw.hpp"
#include "model/floating_point_scope.hpp"

namespace nodezero::actors {
namespace {

// A computation that throws is an answer, not the end of the lane.
template <class Answer, class Function>
caf::result<Answer> guarded(const Envelope& envelope, Function function) {
  const model::FloatingPointScope scope;
  try {
    return function();
  } catch (const std::exception& error) {
    return make_error({errc::computation, envelope, -1, -1, error.what()});
  }
}

std::span<float> blocks(model::TensorSet& set, std::size_t first, std::size_t last) {
  const std::size_t size = set.values().size();
  const std::size_t begin = std::min(first * model::norm_block_size, size);
  return set.values().subspan(begin, std::min(last * model::norm_block_size, size) - begin);
}

void copy_blocks(model::TensorSet& to, model::TensorSet& from, std::size_t first,
                 std::size_t last) {
  std::ranges::copy(blocks(from, first, last), blocks(to, first, last).begin());
}

}  // namespace

lane::lane(caf::actor_config& config, const model::TrainingConfig& training)
    : recorded(config),
      model_(training.model),
      seed_(training.seed),
      workspace_(training.precision) {}

lane::behavior_type lane::make_behavior() {
  return {
      [this](const compute& task) {
        return guarded<computed>(task.envelope, [&] {
          return computed{task.envelope, Moved(run(task))};
        });
      },
      [this](const combine& task) {
        return guarded<computed>(task.envelope, [&] {
          return computed{task.envelope, Moved(run(task))};
        });
      },
      [this](const update_shard& task) {
        return guarded<shard_done>(task.envelope, [&] {
          run(task);
          return shard_done{task.envelope};
        });
      },
      [this](const generate_some& task) {
        return guarded<generated_some>(task.envelope, [&] {
          run(task);
          return generated_some{task.envelope};
        });
      },
  };
}

Partial lane::run(const compute& task) {
  const auto& batch = task.batches->batches[task.position];
  Partial result;
  result.range = {task.position, task.position + 1};
  if (task.purpose == Purpose::evaluate) {
    result.loss = model::loss(model_, *task.weights, batch, workspace_);
    return result;
  }
  result.gradient = task.buffer.take();
  const model::DropoutKey key{seed_, task.envelope.step, task.position};
  result.loss =
      model::loss_and_gradient(model_, *task.weights, batch, key, *result.gradient, workspace_);
  return result;
}

Partial lane::run(const combine& task) {
  Partial left = task.left.take();
  const Partial right = task.right.take();
  model::add_in_place(*left.gradient, *right.gradient);
  left.loss.negative_log_likelihood += right.loss.negative_log_likelihood;
  left.loss.valid_tokens += right.loss.valid_tokens;
  left.range = task.range;
  return left;
}

void lane::run(const update_shard& shard) {
  auto& task = *shard.task;
  const auto [first, last] = std::pair(shard.first_block, shard.last_block);
  switch (shard.phase) {
    case UpdateTask::Phase::norm:
      model::squared_norm_blocks(*task.gradient, first,
                                 std::span(task.squared_norms).subspan(first, last - first));
      break;
    case UpdateTask::Phase::update:
      model::adamw_update(task.config, task.scalars, *task.gradient,
                          task.weights ? *task.weights : *task.next, *task.next, *task.state, first,
                          last);
      break;
    case UpdateTask::Phase::copy_state:
      copy_blocks(task.state_copy->first_moment, task.state->first_moment, first, last);
      copy_blocks(task.state_copy->second_moment, task.state->second_moment, first, last);
      break;
  }
}

void lane::run(const generate_some& task) {
  auto& session = *task.session;
  if (!session.generator) {
    session.generator = std::make_unique<model::Generator>(
        model_, session.weights, session.request.prompt, session.request.sampling);
  }
  for (std::int64_t i = 0; i < task.tokens; ++i) {
    session.tokens.push_back(session.generator->next());
  }
}

}  // namespace nodezero::actors
