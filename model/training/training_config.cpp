// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/training_config.hpp"

#include <cstdlib>
#include <limits>
#include <optional>
#include <string>

#include <fmt/format.h>

namespace nodezero::model {
namespace {

constexpr std::uint64_t max_size = std::numeric_limits<std::int32_t>::max();

/// The divisor of `width` that is nearest to `heads`.
std::int64_t nearest_divisor(std::int64_t width, std::int64_t heads) {
  std::int64_t nearest = 1;
  for (std::int64_t small = 1; small * small <= width; ++small) {
    if (width % small != 0) {
      continue;
    }
    for (const std::int64_t divisor : {small, width / small}) {
      if (std::abs(divisor - heads) < std::abs(nearest - heads)) {
        nearest = divisor;
      }
    }
  }
  return nearest;
}

std::optional<std::string> first_mistake(const TrainingConfig& config) {
  const struct {
    const char* option;
    std::int64_t value;
  } sizes[] = {{"--layers", config.model.layers},         {"--heads", config.model.heads},
               {"--width", config.model.width},           {"--context", config.model.context},
               {"--vocabulary", config.model.vocabulary}, {"--sequences", config.sequences},
               {"--micro-batches", config.micro_batches}};
  for (const auto& [option, value] : sizes) {
    if (value < 1 || static_cast<std::uint64_t>(value) > max_size) {
      return fmt::format("{} {} cannot be; choose a number from 1 to {}", option, value, max_size);
    }
  }
  if (config.model.width % config.model.heads != 0) {
    return fmt::format("--heads {} does not divide --width {}; choose --heads {}",
                       config.model.heads, config.model.width,
                       nearest_divisor(config.model.width, config.model.heads));
  }
  if (!(config.model.dropout >= 0 && config.model.dropout < 1)) {
    return fmt::format("--dropout {} cannot be; choose a number from 0 to less than 1",
                       config.model.dropout);
  }
  // A micro-batch's tokens are counted in 32 bits by the kernels.
  const std::uint64_t tokens =
      std::uint64_t{config.sequences} * static_cast<std::uint64_t>(config.model.context);
  if (tokens > max_size) {
    return fmt::format(
        "--sequences {} of --context {} make a micro-batch of {} tokens; choose at most "
        "--sequences {}",
        config.sequences, config.model.context, tokens,
        max_size / static_cast<std::uint64_t>(config.model.context));
  }
  if (config.epochs == 0 && config.steps == 0) {
    return "--epochs 0 and --steps 0 train nothing; choose a positive number for one of them";
  }
  return std::nullopt;
}

}  // namespace

Result<void> validate(const TrainingConfig& config) {
  if (auto mistake = first_mistake(config)) {
    return fail(ErrorCode::invalid_argument, std::move(*mistake));
  }
  if (auto supported = check_processor(config.precision); !supported) {
    return supported;
  }
  if (auto valid = validate(config.model); !valid) {
    return valid;
  }
  return validate(config.optimizer);
}

}  // namespace nodezero::model
