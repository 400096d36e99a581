// SPDX-License-Identifier: BSD-3-Clause
#include "actors/lanes/lane_scheduler.hpp"

#include <bit>
#include <chrono>
#include <string_view>
#include <type_traits>
#include <utility>

#include "actors/fingerprints.hpp"

namespace nodezero::actors {
namespace {

// Buffers are given back by lanes and spheres, without a message to the scheduler.
constexpr std::string_view no_room = "no gradient buffer is free";
// Nor is there one that says how long a lane computed.
constexpr std::string_view had_share = "generation has had its share";

}  // namespace

lane_scheduler::lane_scheduler(caf::actor_config& config, std::vector<lane_actor> lanes,
                               std::shared_ptr<GradientPool> gradients, double generation_share)
    : recorded(config),
      lanes_(std::move(lanes)),
      gradients_(std::move(gradients)),
      share_(generation_share) {
  state_.idle = lanes_;
}

lane_scheduler::behavior_type lane_scheduler::make_behavior() {
  for (const auto& lane : lanes_) {
    monitor(lane);
  }
  set_down_handler([this](const caf::down_msg& down) { quit(down.reason); });
  return {
      [this](const compute& task) { return submit_micro_batch(task); },
      [this](const sum_shard& task) {
        return submit<shard_done>(Priority::reduction, task.task->left.range.first, task);
      },
      [this](const update_shard& task) { return submit<shard_done>(Priority::reduction, 0, task); },
      [this](const generate_some& task) {
        return submit<generated_some>(Priority::inference, 0, task);
      },
      [this](const abandon& message) {
        state_.abandoned_step = message.envelope.step;
        state_.step = {};
        state_.batches = nullptr;
        state_.next_position = 0;
        state_.finished = 0;
        refuse_micro_batches(message.envelope);
      },
      [this](const count_finished&) { return finished_count{state_.finished}; },
  };
}

std::uint64_t lane_scheduler::state_digest(const runtime::ActorKeys& keys) const {
  return runtime::fingerprint(keys, state_);
}

caf::result<computed> lane_scheduler::submit_micro_batch(const compute& task) {
  const StepKey key{task.envelope.step, task.purpose == Purpose::train};
  if (key < state_.step || task.envelope.step <= state_.abandoned_step) {
    return make_error({ErrorCode::stale, "a later step has begun or this one was abandoned",
                       at(task.envelope, {}, task.position)});
  }
  if (state_.batches != task.batches) {
    state_.abandoned_step.reset();  // older ones are refused all the same
    state_.step = key;
    state_.batches = task.batches;
    state_.next_position = task.batches->before;
    refuse_micro_batches(task.envelope);
  }
  return submit<computed>(Priority::micro_batch, task.position, task);
}

template <class Answer, class Task>
caf::result<Answer> lane_scheduler::submit(Priority priority, std::uint32_t position,
                                           const Task& task) {
  const auto asker = caf::actor_cast<caf::actor_addr>(current_sender());  // a promise takes it
  auto promise = make_response_promise<Answer>();
  // The job gives its task away when it starts, so that nothing here keeps a version of
  // the weights alive behind the optimizer's back.
  auto start = [this, promise, task = Task(task)](const lane_actor& lane) mutable {
    const auto lane_is_free = [this, lane, begin = std::chrono::steady_clock::now()] {
      const auto time = std::chrono::steady_clock::now() - begin;
      if constexpr (std::is_same_v<Task, generate_some>) {
        share_.add_generation(time);
      } else {
        share_.add_training(time);
      }
      state_.finished += state_.abandoned_step ? 0 : 1;
      state_.idle.push_back(lane);
      dispatch();
    };
    if constexpr (std::is_same_v<Task, compute>) {
      if (task.purpose == Purpose::train) {
        *task.buffer = Moved(gradients_->lease());
      }
    }
    // A lane always answers, or goes down; node_zero's watchdog judges slowness.
    request(lane, caf::infinite, std::move(task))
        .then(
            [promise, lane_is_free](const Answer& answer) mutable {
              promise.deliver(answer);
              lane_is_free();
            },
            [promise, lane_is_free](const caf::error& error) mutable {
              promise.deliver(error);
              lane_is_free();
            });
  };
  auto refuse = [promise](const caf::error& reason) mutable { promise.deliver(reason); };
  state_.waiting.emplace(JobKey{priority, position, {(*state_.submitted)++}},
                         Job{asker, {std::move(start)}, {std::move(refuse)}});
  dispatch();
  return promise;
}

void lane_scheduler::dispatch() {
  auto& waiting = state_.waiting;
  while (!state_.idle.empty() && !waiting.empty()) {
    const auto next = next_job();
    if (!may_start(next->first)) {
      break;
    }
    auto job = waiting.extract(next);
    const auto& [priority, position, sequence] = job.key();
    if (priority == Priority::micro_batch && position == state_.next_position) {
      ++state_.next_position;
    }
    const lane_actor lane = state_.idle.back();
    state_.idle.pop_back();
    starting_for_ = job.mapped().asker;
    (*job.mapped().start)(lane);
  }
}

/// The first that waits, but a micro-batch before generation that has had its share.
std::map<lane_scheduler::JobKey, lane_scheduler::Job>::iterator lane_scheduler::next_job() {
  auto& waiting = state_.waiting;
  const auto first = waiting.begin();
  if (std::get<Priority>(first->first) == Priority::inference) {
    const auto micro_batch = waiting.lower_bound(JobKey{Priority::micro_batch, 0, {0}});
    if (micro_batch != waiting.end() && may_start(micro_batch->first) &&
        sees(had_share, share_.is_used_up())) {
      return micro_batch;
    }
  }
  return first;
}

void lane_scheduler::refuse_micro_batches(const Envelope& envelope) {
  for (auto job = state_.waiting.begin(); job != state_.waiting.end();) {
    if (std::get<Priority>(job->first) == Priority::micro_batch) {
      (*job->second.refuse)(make_error({ErrorCode::stale, "the step was abandoned", at(envelope)}));
      job = state_.waiting.erase(job);
    } else {
      ++job;
    }
  }
}

bool lane_scheduler::may_start(const JobKey& key) {
  const auto& [priority, position, sequence] = key;
  if (priority != Priority::micro_batch || position < state_.next_position) {
    return true;  // position < next: computed again after a failure
  }
  return position == state_.next_position && !sees(no_room, !room_for_gradient());
}

bool lane_scheduler::room_for_gradient() const {
  // bit_width(n - 1) is ceil(log2 n). With no task running anywhere at most that many sums
  // are held, and one old one on its way to the optimizer, so this never waits for ever.
  const std::size_t positions = state_.batches->batches.size();
  const std::size_t bound = lanes_.size() + std::bit_width(positions - 1) + 2;
  return gradients_->leased() < bound;
}

}  // namespace nodezero::actors
