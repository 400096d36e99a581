// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <memory>

#include "actors/interfaces.hpp"
#include "actors/run/batch_queue.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

using feed_actor = corpus_actor::extend<runtime::Accepts<batches_arrived>>;

/// A corpus of what a host submits: plans a step when it has all the step's batches.
class feed : public runtime::recorded<feed_actor::base>, public runtime::Explorable {
 public:
  feed(caf::actor_config& config, std::shared_ptr<BatchQueue> queue, std::uint32_t micro_batches)
      : recorded(config), queue_(std::move(queue)), micro_batches_(micro_batches) {}

  const char* name() const override { return "corpus"; }
  /// Promises hold the actor that made them.
  void on_exit() override { state_.waiting.clear(); }
  std::uint64_t state_digest(const runtime::ActorKeys& keys) const override;

 protected:
  behavior_type make_behavior() override;

 private:
  struct Waiting {
    plan_step request;
    caf::typed_response_promise<step_plan> promise;
  };
  void answer_waiting();

  std::shared_ptr<BatchQueue> queue_;
  std::uint32_t micro_batches_;
  struct State {
    std::deque<Waiting> waiting;  ///< in the order of their steps
  };
  State state_;
};

}  // namespace nodezero::actors
