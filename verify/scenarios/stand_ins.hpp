// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <deque>
#include <memory>

#include "actors/interfaces.hpp"
#include "runtime/explorable.hpp"
#include "runtime/recorded.hpp"
#include "verify/scenarios/ledger.hpp"

namespace nodezero::verify {

/// A lane that computes with the ledger's arithmetic. Reading weights and writing them takes it
/// two messages, so that a schedule can put something in between.
class stand_in_lane
    : public runtime::recorded<actors::lane_actor::extend<runtime::Accepts<caf::unit_t>>::base>,
      public runtime::Explorable {
 public:
  stand_in_lane(caf::actor_config& config, Ledger& ledger) : recorded(config), ledger_(ledger) {}

  const char* name() const override { return "lane"; }
  void on_exit() override { second_halves_.clear(); }
  std::uint64_t state_digest(const runtime::ActorKeys&) const override {
    return second_halves_.size();
  }
  const char* state_name() const override {
    return second_halves_.empty() ? "free" : "in the middle";
  }

 protected:
  behavior_type make_behavior() override;

 private:
  void in_two_halves(const caf::response_promise& answer, std::function<void()> second);

  struct Begun {
    caf::actor_id from = 0;  ///< the run's lane_scheduler
    std::function<void()> second;
  };

  Ledger& ledger_;
  /// Of what it has begun; more than one only if a run was given up and another has begun.
  std::deque<Begun> second_halves_;
};

/// What a tree of spheres needs around it, when only the tree is looked at: lanes that compute at
/// once, a corpus, and somebody who listens. It keeps nothing.
using surroundings_actor = actors::lane_scheduler_actor::extend_with<actors::corpus_actor>::
    extend_with<actors::lifecycle_actor>::extend_with<actors::checkpointer_actor>::extend_with<
        actors::observer_actor>;

class surroundings : public runtime::recorded<surroundings_actor::base> {
 public:
  surroundings(caf::actor_config& config, Ledger& ledger,
               std::shared_ptr<const model::BatchSource> batches,
               std::shared_ptr<actors::GradientPool> gradients)
      : recorded(config),
        ledger_(ledger),
        batches_(std::move(batches)),
        gradients_(std::move(gradients)) {}

  const char* name() const override { return "surroundings"; }

 protected:
  behavior_type make_behavior() override;

 private:
  Ledger& ledger_;
  std::shared_ptr<const model::BatchSource> batches_;
  std::shared_ptr<actors::GradientPool> gradients_;
};

}  // namespace nodezero::verify
