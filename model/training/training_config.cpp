// SPDX-License-Identifier: BSD-3-Clause
#include "model/training/training_config.hpp"

#include <bit>
#include <limits>

#include <fmt/format.h>

namespace nodezero::model {

Result<void> validate(const TrainingConfig& config) {
  if (auto valid = validate(config.model); !valid) {
    return valid;
  }
  const auto refuse = [](std::string message) {
    return fail(ErrorCode::invalid_argument, std::move(message));
  };
  constexpr std::uint64_t most = std::numeric_limits<std::int32_t>::max();
  const auto context = static_cast<std::uint64_t>(config.model.context);
  // The kernels count a micro-batch's tokens in 32 bits.
  if (config.sequences < 1 || config.sequences > most / context) {
    return refuse(fmt::format("'sequences' must be from 1 to {} with a 'context' of {}, not {}",
                              most / context, context, config.sequences));
  }
  if (config.micro_batches < 1 || config.micro_batches > most) {
    return refuse(
        fmt::format("'micro_batches' must be from 1 to {}, not {}", most, config.micro_batches));
  }
  if (config.exchange_from < 2 || !std::has_single_bit(config.exchange_from)) {
    return refuse(fmt::format("'exchange_from' must be a power of two from 2 on, not {}",
                              config.exchange_from));
  }
  if (config.epochs == 0 && config.steps == 0) {
    return refuse("'epochs' and 'steps' must not both be 0, which trains nothing");
  }
  return validate(config.optimizer);
}

}  // namespace nodezero::model
