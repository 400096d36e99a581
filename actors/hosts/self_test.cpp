// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/self_test.hpp"

#include <bit>

#include "model/kernels/floating_point_scope.hpp"
#include "model/tensors/fnv.hpp"

namespace nodezero::actors {

std::uint64_t self_test(const model::TrainedModel& trained, const model::TrainingConfig& training) {
  const model::FloatingPointScope scope;
  if (!trained.identity().empty()) {
    model::Parameters weights(trained.layout());
    trained.initialize(training.seed, weights);
    return model::fnv(0, weights.values());
  }
  auto small = training;
  small.model.layers = 1;
  const auto shallow = model::gpt2_model(small);
  model::Parameters weights(shallow->layout());
  shallow->initialize(training.seed, weights);
  model::MicroBatch batch;
  batch.sequences = 1;
  batch.context = training.model.context;
  batch.valid_tokens = batch.context;
  for (std::int64_t i = 0; i < batch.context; ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>(i * 31 % training.model.vocabulary));
    batch.targets.push_back(static_cast<std::int32_t>((i * 17 + 1) % training.model.vocabulary));
  }
  model::Gradient gradient(shallow->layout());
  const auto loss =
      shallow->on_lane()->loss_and_gradient(weights, batch, {training.seed, 0, 0}, gradient);
  return model::fnv(std::bit_cast<std::uint64_t>(loss.negative_log_likelihood), gradient.values());
}

}  // namespace nodezero::actors
