// SPDX-License-Identifier: BSD-3-Clause
#include "apps/nodezero/train/run_settings.hpp"

#include <algorithm>
#include <bit>

#include <fmt/format.h>

#include "apps/nodezero/common.hpp"
#include "apps/nodezero/options/option_values.hpp"
#include "apps/nodezero/process/processors.hpp"

namespace nodezero::apps {

namespace {

std::vector<std::vector<std::int32_t>> encode_prompts(const TrainOptions& options,
                                                      const model::Tokenizer& tokenizer) {
  std::vector<std::vector<std::int32_t>> prompts;
  if (options.sample_tokens == 0) {
    return prompts;
  }
  for (const auto& prompt : options.prompts) {
    if (prompt.empty()) {
      throw CommandError(exit_bad_input, "--prompt is empty: give at least one character");
    }
    auto ids = tokenizer.encode(prompt);
    if (!ids) {
      throw CommandError(exit_bad_input,
                         fmt::format("--prompt '{}': {}", prompt, ids.error().message));
    }
    prompts.push_back(std::move(*ids));
  }
  return prompts;
}

/// Micro-batches of a validation that are planned at once: a million tokens, but never so few that
/// lanes wait for the last of them. A power of two, as the tree has it that all are summed along.
std::uint32_t validation_part(const model::TrainingConfig& training, std::uint32_t lanes) {
  constexpr std::uint64_t tokens = 1U << 20U, most = 4096, per_lane = 16;
  const auto fitting =
      tokens / (training.sequences * static_cast<std::uint64_t>(training.model.context));
  return static_cast<std::uint32_t>(
      std::max(std::bit_floor(std::clamp<std::uint64_t>(fitting, 1, most)),
               std::bit_ceil(per_lane * lanes)));
}

}  // namespace

actors::RunSettings make_settings(const TrainOptions& options, const DataSet& data) {
  const auto& training = options.training;
  actors::RunSettings settings;
  static_cast<actors::RunOptions&>(settings) = options;
  settings.sampling.seed = training.seed;
  settings.sampling.vocabulary = data.tokenizer.vocabulary();
  settings.training_batches = std::make_shared<model::ShuffledWindows>(
      data.training_tokens, data.training, training.model.context, training.sequences,
      training.micro_batches, training.seed);
  if (settings.threads == 0) {
    settings.threads = available_processors().count;
  }
  if (data.validation_tokens != nullptr) {
    settings.validation_batches = std::make_shared<model::SequentialWindows>(
        data.validation_tokens, data.evaluation, training.model.context, training.sequences,
        validation_part(training, settings.threads));
  }
  settings.token_frequencies = token_frequencies(data);
  settings.prompts = encode_prompts(options, data.tokenizer);
  check_options(model::validate(settings.sampling));
  settings.stall_timeout = std::chrono::seconds(options.stall_timeout_s);
  return settings;
}

}  // namespace nodezero::apps
