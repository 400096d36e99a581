// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/trainer.hpp"

#include <future>
#include <stdexcept>
#include <utility>

#include "actors/run/assembly.hpp"
#include "actors/run/other_machines.hpp"
#include "runtime/actor_trace.hpp"
#include "runtime/ask.hpp"
#include "runtime/own_threads.hpp"

namespace nodezero::actors {
namespace {

/// Lanes, checkpointer and observer compute, or wait for a disk; one more thread has the messages
/// of all others. With other machines one more adds what comes from them, and a companion may want
/// some.
std::shared_ptr<runtime::OwnThreads> start_threads(const RunSettings& settings, bool has_others,
                                                   const Companion* companion) {
  auto threads =
      runtime::OwnThreads::start(workers_for(lane_count(settings)) + (has_others ? 1 : 0) +
                                 (companion ? companion->workers() : 0));
  if (!threads) {
    throw std::runtime_error(threads.error().message);
  }
  return std::move(*threads);
}

struct SystemConfig : caf::actor_system_config {
  SystemConfig(std::shared_ptr<runtime::OwnThreads> threads, runtime::trace::Recorder* recorder,
               OtherMachines* others, Companion* companion) {
    runtime::configure(*this, runtime::Scheduling::own_threads);
    runtime::run_on_threads(*this, std::move(threads));
    if (recorder) {
      runtime::attach_recorder(*this, *recorder);
    }
    if (others != nullptr) {
      others->configure(*this);
    }
    if (companion != nullptr) {
      companion->configure(*this);
    }
  }
};

}  // namespace

struct Trainer::State {
  State(RunSettings run_settings, Observer& observer, std::shared_ptr<OtherMachines> other_machines,
        Companion* beside)
      : settings(std::move(run_settings)),
        others(std::move(other_machines)),
        companion(beside),
        config(start_threads(settings, others != nullptr, companion), settings.recorder,
               others.get(), companion),
        system(config),
        actors(others ? spawn_run_with(*others, system, runtime::Scheduling::own_threads, settings,
                                       observer)
                      : spawn_run(system, runtime::Scheduling::own_threads, settings, observer)) {
    // The actors hold what they need; a second copy of the weights would only cost memory.
    settings.initial_weights.reset();
    settings.resume.reset();
  }
  void end() {
    if (companion != nullptr) {
      companion->end();
    }
    if (others) {
      others->end();
    }
    // Handles must be gone before the system waits for its actors.
    actors.send_exit();
    actors = {};
  }

  RunSettings settings;
  std::shared_ptr<OtherMachines> others;  ///< or null
  Companion* companion;                   ///< or null
  SystemConfig config;
  caf::actor_system system;
  RunActors actors;
};

Trainer::Trainer(RunSettings settings, Observer& observer, std::shared_ptr<OtherMachines> others,
                 Companion* companion)
    : state_(std::make_unique<State>(std::move(settings), observer, std::move(others), companion)) {
  if (companion == nullptr) {
    return;
  }
  if (const auto started = companion->start(state_->system, state_->actors); !started) {
    state_->end();
    throw std::runtime_error(started.error().message);
  }
}

Trainer::~Trainer() {
  state_->end();
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
