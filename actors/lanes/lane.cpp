// SPDX-License-Identifier: BSD-3-Clause
#include "actors/lanes/lane.hpp"

#include <algorithm>
#include <chrono>
#include <exception>
#include <iterator>
#include <stdexcept>
#include <time.h>

#include <fmt/format.h>

#include "model/kernels/floating_point_scope.hpp"
#include "model/storage/digest.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::actors {
namespace {

// A computation that throws is an answer, not the end of the lane.
template <class Answer, class Function>
caf::result<Answer> guarded(const Envelope& envelope, Function function) {
  const model::FloatingPointScope scope;
  try {
    return function();
  } catch (const std::exception& error) {
    return make_error({ErrorCode::failed, error.what(), at(envelope)});
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

/// Adds how long a computation took to the times of the run, if anybody measures.
class Stopwatch {
 public:
  using Sum = std::atomic<std::int64_t> LaneTimes::*;
  using Clock = std::chrono::steady_clock;

  explicit Stopwatch(LaneTimes* times)
      : times_(times), begin_(Clock::now()), processor_(times ? processor_time() : 0) {}

  void add(Sum what) const { add(what, Clock::now(), what); }
  /// The time until `middle` to one sum, the rest to another.
  void add(Sum first, Clock::time_point middle, Sum second) const {
    if (times_) {
      (times_->*first) += (middle - begin_).count();
      (times_->*second) += (Clock::now() - middle).count();
      times_->processor += processor_time() - processor_;
    }
  }

 private:
  static std::int64_t processor_time() {
    timespec time{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
    return std::int64_t{1'000'000'000} * time.tv_sec + time.tv_nsec;
  }

  LaneTimes* times_;
  Clock::time_point begin_;
  std::int64_t processor_;
};

}  // namespace

lane::lane(caf::actor_config& config, std::uint32_t number,
           std::shared_ptr<const model::TrainedModel> model, const model::TrainingConfig& training,
           std::shared_ptr<LaneTimes> times)
    : recorded(config),
      number_(number),
      trained_(std::move(model)),
      model_(trained_->on_lane()),
      seed_(training.seed),
      sums_(training),
      times_(std::move(times)) {}

lane::behavior_type lane::make_behavior() {
  return {
      [this](const compute& task) {
        return guarded<computed>(task.envelope, [&] {
          return computed{task.envelope, Moved(run(task))};
        });
      },
      [this](const sum_shard& task) {
        return guarded<shard_done>(task.envelope, [&] {
          run(task);
          return shard_done{task.envelope};
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
  const auto range = task.batches->range();
  if (task.position < range.first || task.position >= range.last) {
    throw std::out_of_range(
        fmt::format("micro-batch {} of [{}, {})", task.position, range.first, range.last));
  }
  const auto& batch = task.batches->at(task.position);
  Partial result;
  result.range = {task.position, task.position + 1};
  const Stopwatch stopwatch(times_.get());
  if (task.purpose == Purpose::evaluate) {
    result.loss = model_->loss(*task.weights, batch);
    stopwatch.add(&LaneTimes::forward);
    return result;
  }
  result.gradient = task.buffer->take();
  const model::DropoutKey key{seed_, task.envelope.step, task.position};
  result.loss = model_->loss_and_gradient(*task.weights, batch, key, *result.gradient);
  stopwatch.add(&LaneTimes::forward, model_->forward_end(), &LaneTimes::backward);
  return result;
}

void lane::run(const sum_shard& shard) {
  const Stopwatch stopwatch(times_.get());
  SumTask& task = *shard.task;
  auto& norms = task.left.squared_norms;
  const auto& range = task.left.range;  // already that of both
  const model::SumNode node{shard.envelope.step, range.first, range.last};
  // Block by block, so that a norm finds its block in the cache.
  for (std::size_t block = shard.first_block; block < shard.last_block; ++block) {
    sums_.add(node, block * model::norm_block_size, blocks(*task.left.gradient, block, block + 1),
              blocks(*task.right.gradient, block, block + 1));
    if (!norms.empty()) {
      model::squared_norm_blocks(*task.left.gradient, block, std::span(norms).subspan(block, 1));
    }
  }
  if (task.unfinished.fetch_sub(1) == 1) {
    task.right.gradient = {};
  }
  stopwatch.add(&LaneTimes::reduction);
}

void lane::run(const update_shard& shard) {
  const Stopwatch stopwatch(times_.get());
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
  stopwatch.add(&LaneTimes::optimizer);
}

void lane::run(const generate_some& task) {
  const Stopwatch stopwatch(times_.get());
  auto& first = *task.sessions.front();
  if (first.request.input.value) {
    first.output = model_->predict(*first.weights, first.request.input);
    stopwatch.add(&LaneTimes::generation);
    return;
  }
  name_weights(task);
  std::vector<model::Continuation*> continuations;
  for (const auto& session : task.sessions) {
    if (begin(*session, task.envelope)) {
      continuations.push_back(session->continuation.get());
    }
  }
  model_->advance(first.weights, continuations, task.tokens);
  for (const auto& session : task.sessions) {
    if (session->continuation) {
      take_news(*session);
    }
  }
  stopwatch.add(&LaneTimes::generation);
}

/// Computes the digest if it is wanted and no session has brought it.
void lane::name_weights(const generate_some& task) {
  const auto& sessions = task.sessions;
  const auto wants = [](const auto& session) { return session->request.options.names_digest; };
  if (std::ranges::none_of(sessions, wants)) {
    return;
  }
  const auto known =
      std::ranges::find_if(sessions, [](const auto& session) { return !session->digest.empty(); });
  const auto digest =
      known != sessions.end() ? (*known)->digest : model::digest(*sessions.front()->weights);
  for (const auto& session : sessions) {
    session->digest = digest;
  }
}

/// False if it cannot be: the others of its group must not suffer from that.
bool lane::begin(GenerationSession& session, const Envelope& envelope) {
  if (session.continuation) {
    return true;
  }
  const auto& request = session.request;
  try {
    session.continuation = model_->continuation(
        request.prompt, {request.sampling, request.tokens, request.options.details});
    return true;
  } catch (const std::exception& error) {
    session.failure = Error{ErrorCode::failed, error.what(), at(envelope)};
    return false;
  }
}

void lane::take_news(GenerationSession& session) {
  auto tokens = session.continuation->take_tokens();
  for (const auto& token : tokens) {
    session.tokens.push_back(token.id);
  }
  if (session.request.options.listener) {
    std::ranges::move(tokens, std::back_inserter(session.news));
    std::ranges::move(session.continuation->take_prompt(), std::back_inserter(session.prompt_news));
  }
  session.has_ended = session.continuation->is_done();
}

}  // namespace nodezero::actors
