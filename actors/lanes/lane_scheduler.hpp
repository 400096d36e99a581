// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <tuple>
#include <vector>

#include "actors/gradient_pool.hpp"
#include "actors/lane_messages.hpp"
#include "actors/lanes/generation_share.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// Hands work to free lanes. Sums and updates go first, because they free buffers; then
/// inference, whose pieces are short, as long as it has not had its share; then micro-batches,
/// strictly in the order of their positions, so that the sums of finished ones collapse along the
/// position tree and at most lanes + ceil(log2 n) + 2 gradient buffers are in use. No lane is idle
/// while a micro-batch waits, however unevenly routing spread them over the spheres.
class lane_scheduler : public runtime::recorded<lane_scheduler_actor::base>,
                       public runtime::Explorable {
 public:
  lane_scheduler(caf::actor_config& config, std::vector<lane_actor> lanes,
                 std::shared_ptr<GradientPool> gradients, double generation_share = 1);

  const char* name() const override { return "lane_scheduler"; }
  /// Promises hold the actor that made them, and those of waiting jobs are held by it.
  void on_exit() override { state_.waiting.clear(); }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;
  /// Who asked for the job that is being started: its answer goes there.
  std::uint64_t continuation(const runtime::ActorKeys& keys) const override {
    return keys.of(starting_for_);
  }

 protected:
  behavior_type make_behavior() override;

 private:
  enum class Priority { reduction, inference, micro_batch };
  /// Steps are ordered by number; a version is evaluated before the step that trains it.
  using StepKey = std::tuple<std::uint64_t, bool>;
  /// Priority, position, and a number that only keeps the order of what is alike.
  using JobKey = std::tuple<Priority, std::uint32_t, runtime::Unseen<std::uint64_t>>;
  struct Job {
    caf::actor_addr asker;
    // What is asked for is in the asker's request.
    runtime::Unseen<std::function<void(const lane_actor&)>> start;
    runtime::Unseen<std::function<void(const caf::error&)>> refuse;
  };
  struct State {
    std::vector<lane_actor> idle;
    std::map<JobKey, Job> waiting;
    runtime::Unseen<std::uint64_t> submitted;     ///< for the keys of jobs
    std::uint64_t finished = 0;                   ///< but between an abandoned step and the next
    std::optional<std::uint64_t> abandoned_step;  ///< until a later one begins
    StepKey step;
    StepBatchesPtr batches;           ///< of the step whose micro-batches are being started
    std::uint32_t next_position = 0;  ///< all before it were started once
  };

  template <class Answer, class Task>
  caf::result<Answer> submit(Priority priority, std::uint32_t position, const Task& task);
  caf::result<computed> submit_micro_batch(const compute& task);
  void dispatch();
  std::map<JobKey, Job>::iterator next_job();
  void refuse_micro_batches(const Envelope& envelope);
  bool may_start(const JobKey& key);
  bool room_for_gradient() const;

  std::vector<lane_actor> lanes_;
  std::shared_ptr<GradientPool> gradients_;
  GenerationShare share_;         ///< what it does is seen with `sees`
  caf::actor_addr starting_for_;  ///< while a job is being started
  State state_;
};

}  // namespace nodezero::actors
