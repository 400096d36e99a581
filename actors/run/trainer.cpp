// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/trainer.hpp"

#include <future>
#include <stdexcept>
#include <utility>

#include "actors/run/assembly.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/ask.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

/// Lanes, checkpointer and observer compute, or wait for a disk; one more thread has the messages
/// of all others.
std::shared_ptr<runtime::OwnThreads> start_threads(const RunSettings& settings) {
  auto threads = runtime::OwnThreads::start(workers_for(lane_count(settings)));
  if (!threads) {
    throw std::runtime_error(threads.error().message);
  }
  return std::move(*threads);
}

struct SystemConfig : caf::actor_system_config {
  SystemConfig(std::shared_ptr<runtime::OwnThreads> threads, runtime::trace::Recorder* recorder) {
    runtime::configure(*this, runtime::Scheduling::own_threads);
    runtime::run_on_threads(*this, std::move(threads));
    if (recorder) {
      runtime::attach_recorder(*this, *recorder);
    }
  }
};

}  // namespace

struct Trainer::State {
  State(RunSettings run_settings, Observer& observer)
      : settings(std::move(run_settings)),
        config(start_threads(settings), settings.recorder),
        system(config),
        actors(spawn_run(system, runtime::Scheduling::own_threads, settings, observer)) {
    // The actors hold what they need; a second copy of the weights would only cost memory.
    settings.initial_weights.reset();
    settings.resume.reset();
  }

  RunSettings settings;
  SystemConfig config;
  caf::actor_system system;
  RunActors actors;
};

Trainer::Trainer(RunSettings settings, Observer& observer)
    : state_(std::make_unique<State>(std::move(settings), observer)) {}

Trainer::~Trainer() {
  // Handles must be gone before the system waits for its actors.
  state_->actors.send_exit();
  state_->actors = {};
}

TrainingResult Trainer::run() {
  const auto answer =
      runtime::ask<run_ended>(state_->system, state_->actors.driver, run_all{}).get();
  TrainingResult result;
  if (!answer) {
    result.end = TrainingResult::End::failed;
    result.failure = to_string(answer.error());
    return result;
  }
  result.end = answer->was_stopped ? TrainingResult::End::stopped : TrainingResult::End::finished;
  if (answer->reason) {
    result.end = TrainingResult::End::failed;
    result.failure = to_string(*answer->reason);
  }
  result.progress = answer->checkpoint.progress;
  result.weights = answer->checkpoint.weights;
  result.optimizer = answer->checkpoint.optimizer;
  return result;
}

void Trainer::stop() {
  caf::anon_send(state_->actors.lifecycle, actors::stop{});
}

Result<GenerationResult> Trainer::generate(const std::vector<std::int32_t>& prompt,
                                           std::int64_t tokens,
                                           const model::SamplingOptions& options) {
  const auto answer = runtime::ask<generated>(state_->system, state_->actors.lifecycle,
                                              actors::generate{prompt, tokens, options})
                          .get();
  if (!answer) {
    return fail(answer.error());
  }
  return GenerationResult{answer->envelope.version, answer->envelope.epoch, answer->tokens};
}

}  // namespace nodezero::actors
