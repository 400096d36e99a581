// SPDX-License-Identifier: BSD-3-Clause

// The part of plan.hpp that measures.

#include <algorithm>
#include <chrono>
#include <cmath>

#include <fmt/format.h>

#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/train/plan.hpp"
#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/floating_point_scope.hpp"
#include "model/kernels/kernels.hpp"

namespace nodezero::apps {

namespace {

/// Most operations of one probe: a fraction of a second on any current core.
double probe_operations() {
  return model::kernels_in_use() == "portable" ? 2e8 : 2e10;
}
/// Bytes per second that all cores together stream through AdamW and the sums of gradients.
constexpr double streaming_rate = 1e10;

double batch_operations(const model::ModelConfig& config, std::int64_t sequences) {
  return model::flops_per_token(config) * static_cast<double>(sequences * config.context);
}

/// Operations per second of one lane, measured with a micro-batch as wide as the real one.
double operation_rate(model::ModelConfig config, model::Precision precision,
                      std::int64_t sequences) {
  config.layers = 1;
  config.vocabulary = std::min<std::int64_t>(config.vocabulary, 1'024);
  while (sequences > 1 && batch_operations(config, sequences) > probe_operations()) {
    sequences /= 2;
  }
  while (config.context > 32 && batch_operations(config, sequences) > probe_operations()) {
    config.context /= 2;
  }
  const model::FloatingPointScope scope;
  const auto layout = model::gpt2_layout(config);
  model::Parameters weights(layout);
  model::Gradient gradient(layout);
  model::initialize(config, 1, weights);
  model::MicroBatch batch{.sequences = sequences,
                          .context = config.context,
                          .inputs = {},
                          .targets = {},
                          .valid_tokens = sequences * config.context};
  for (std::int64_t i = 0; i < batch.valid_tokens; ++i) {
    batch.inputs.push_back(static_cast<std::int32_t>(i % config.vocabulary));
  }
  batch.targets = batch.inputs;
  model::Workspace workspace(precision);
  using Clock = std::chrono::steady_clock;
  // The first call also allocates memory and generates kernels.
  model::loss_and_gradient(config, weights, batch, {}, gradient, workspace);
  const auto start = Clock::now();
  int calls = 0;
  double seconds = 0;
  while (seconds < 0.2) {
    model::loss_and_gradient(config, weights, batch, {}, gradient, workspace);
    ++calls;
    seconds = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return batch_operations(config, sequences) * calls / seconds;
}

/// Its rate compared with that of fp32.
double relative_rate(const actors::RunSettings& settings, model::Precision precision) {
  const auto& training = settings.training;
  return operation_rate(training.model, precision, training.sequences) /
         operation_rate(training.model, model::Precision::fp32, training.sequences);
}

}  // namespace

std::string precisions_text(const actors::RunSettings& settings) {
  return fmt::format("bf16 {:.1f} and bf16-tile {:.1f} times as fast as fp32 on this processor",
                     relative_rate(settings, model::Precision::bf16),
                     relative_rate(settings, model::Precision::bf16_tile));
}

std::optional<std::string> slow_precision(const actors::RunSettings& settings) {
  const auto precision = settings.training.precision;
  if (precision == model::Precision::fp32) {
    return std::nullopt;
  }
  const double relative = relative_rate(settings, precision);
  if (relative >= 1) {
    return std::nullopt;
  }
  return fmt::format("this processor computes {} at {:.1f} of the speed of fp32",
                     value_name(precision), relative);
}

double estimate_seconds(const Plan& plan, const actors::RunSettings& settings) {
  const auto& training = settings.training;
  const double rate = operation_rate(training.model, training.precision, training.sequences);
  const double token_seconds = model::flops_per_token(training.model) / rate;
  // The lanes compute a step's micro-batches in rounds; the last round may be short.
  const double rounds = std::ceil(static_cast<double>(training.micro_batches) / plan.lanes);
  const double tokens_in_turn =
      static_cast<double>(plan.training_tokens) * rounds / training.micro_batches;
  // AdamW reads and writes 7 floats per parameter, each sum of two gradients 3.
  const double streamed = static_cast<double>(plan.steps * plan.parameters) * 4 *
                          (7 + 3 * (training.micro_batches - 1.0));
  const double evaluated =
      static_cast<double>(plan.evaluations * plan.evaluation_tokens) / plan.lanes;
  // The forward pass is a third of forward and backward together.
  return tokens_in_turn * token_seconds + streamed / streaming_rate + evaluated * token_seconds / 3;
}

}  // namespace nodezero::apps
