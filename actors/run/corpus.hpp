// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "actors/interfaces.hpp"
#include "model/training/batch_source.hpp"
#include "runtime/recorded.hpp"

namespace nodezero::actors {

/// What the source has for a training step, or for a part of an evaluation.
StepBatchesPtr batches_of(const model::BatchSource& source, const plan_step& request);

/// Says which micro-batches a step has: a pure function of the request, so it can be asked
/// for any step in any order and never keeps anybody waiting for another.
class corpus : public runtime::recorded<corpus_actor::base> {
 public:
  corpus(caf::actor_config& config, std::shared_ptr<const model::BatchSource> training,
         std::shared_ptr<const model::BatchSource> validation);

  const char* name() const override { return "corpus"; }

 protected:
  behavior_type make_behavior() override;

 private:
  std::shared_ptr<const model::BatchSource> training_;
  std::shared_ptr<const model::BatchSource> validation_;
};

}  // namespace nodezero::actors
