// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/corpus.hpp"

#include <exception>

namespace nodezero::actors {

StepBatchesPtr batches_of(const model::BatchSource& source, const plan_step& request) {
  const bool trains = request.purpose == Purpose::train;
  const std::uint64_t epoch = trains ? request.envelope.epoch : 0;
  const std::uint64_t step = request.step_in_epoch;
  const std::uint32_t count = source.micro_batches_in_step(epoch, step);
  auto result = std::make_shared<StepBatches>();
  result->batches.reserve(count);
  for (std::uint32_t position = 0; position < count; ++position) {
    result->batches.push_back(source.micro_batch(epoch, step, position));
  }
  if (!trains) {
    for (std::uint64_t part = 0; part < source.steps_in_epoch(epoch); ++part) {
      auto& others = part < step ? result->before : result->after;
      others += part == step ? 0 : source.micro_batches_in_step(epoch, part);
    }
  }
  return result;
}

corpus::corpus(caf::actor_config& config, std::shared_ptr<const model::BatchSource> training,
               std::shared_ptr<const model::BatchSource> validation)
    : recorded(config), training_(std::move(training)), validation_(std::move(validation)) {}

corpus::behavior_type corpus::make_behavior() {
  return {
      [this](const plan_step& request) -> caf::result<step_plan> {
        const auto& source = request.purpose == Purpose::train ? training_ : validation_;
        try {
          return step_plan{request.envelope, request.purpose, batches_of(*source, request)};
        } catch (const std::exception& error) {
          return make_error({ErrorCode::failed, error.what(), at(request.envelope)});
        }
      },
  };
}

}  // namespace nodezero::actors
