// SPDX-License-Identifier: BSD-3-Clause
#include "actors/run/corpus.hpp"

#include <exception>

namespace nodezero::actors {

corpus::corpus(caf::actor_config& config, std::shared_ptr<const model::BatchSource> training,
               std::shared_ptr<const model::BatchSource> validation)
    : recorded(config), training_(std::move(training)), validation_(std::move(validation)) {}

corpus::behavior_type corpus::make_behavior() {
  return {
      [this](const plan_step& request) -> caf::result<step_plan> {
        const bool training = request.purpose == Purpose::train;
        const auto& source = training ? training_ : validation_;
        const std::uint64_t epoch = training ? request.envelope.epoch : 0;
        auto batches = std::make_shared<StepBatches>();
        try {
          const std::uint32_t count = source->micro_batches_in_step(epoch, request.step_in_epoch);
          batches->batches.reserve(count);
          for (std::uint32_t position = 0; position < count; ++position) {
            batches->batches.push_back(source->micro_batch(epoch, request.step_in_epoch, position));
          }
        } catch (const std::exception& error) {
          return make_error({ErrorCode::failed, error.what(), at(request.envelope)});
        }
        return step_plan{request.envelope, request.purpose, std::move(batches)};
      },
  };
}

}  // namespace nodezero::actors
