// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <memory>

#include "actors/messages.hpp"
#include "model/training/batch_source.hpp"
#include "nodezero/language_model.hpp"
#include "nodezero/trainer.hpp"

namespace nodezero::actors {

/// How many steps and micro-batches a host's data make; and if they are a function of their
/// place, the micro-batches themselves.
class HostBatches : public model::BatchSource {
 public:
  HostBatches(std::shared_ptr<const AnyTrainable> model, const TrainerOptions& options)
      : model_(std::move(model)),
        batches_(options.batches),
        steps_(options.steps_in_epoch),
        micro_batches_(options.micro_batches) {}

  std::uint64_t steps_in_epoch(std::uint64_t) const override { return steps_; }
  std::uint32_t micro_batches_in_step(std::uint64_t, std::uint64_t) const override {
    return micro_batches_;
  }
  model::MicroBatch micro_batch(std::uint64_t epoch, std::uint64_t step,
                                std::uint32_t position) const override;

 private:
  std::shared_ptr<const AnyTrainable> model_;
  BatchFunction batches_;
  std::uint64_t steps_;
  std::uint32_t micro_batches_;
};

/// Why the model does not take this batch or input. What its check throws is internal.
std::optional<Error> check_batch(const AnyTrainable& model, const AnyValue& batch);
std::optional<Error> check_input(const AnyTrainable& model, const AnyValue& input);

/// What to ask the lifecycle for a host's text, token by token. Fails with wrong_mode if the model
/// is not of text, and with invalid_argument if it does not take the prompt.
Result<generate> question_of(const AnyTrainable& model, const Prompt& prompt);

}  // namespace nodezero::actors
