// SPDX-License-Identifier: BSD-3-Clause
#include "actors/hosts/self_test.hpp"

#include <bit>

#include "model/kernels/floating_point_scope.hpp"
#include "model/training/trained_model.hpp"

namespace nodezero::actors {

std::uint64_t self_test(const model::TrainingConfig& training) {
  auto small = training;
  small.model.layers = 1;
  const auto trained = model::gpt2_model(small);
  model::Parameters weights(trained->layout());
  trained->initialize(training.seed, weights);
  model::MicroBatch batch;
  batch.sequences = 1;
  batch.context = training.model.context;
  batch.valid_tokens = batch.context;
  for (std::int64_t i = 0; i < batch.context; ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>(i * 31 % training.model.vocabulary));
    batch.targets.push_back(static_cast<std::int32_t>((i * 17 + 1) % training.model.vocabulary));
  }
  model::Gradient gradient(trained->layout());
  const model::FloatingPointScope scope;
  const auto loss =
      trained->on_lane()->loss_and_gradient(weights, batch, {training.seed, 0, 0}, gradient);
  std::uint64_t hash = std::bit_cast<std::uint64_t>(loss.negative_log_likelihood);
  for (const float value : gradient.values()) {
    hash = (hash ^ std::bit_cast<std::uint32_t>(value)) * 0x100000001b3;
  }
  return hash;
}

}  // namespace nodezero::actors
