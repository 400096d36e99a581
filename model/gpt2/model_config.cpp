// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/model_config.hpp"

#include <limits>

#include <fmt/format.h>

namespace nodezero::model {

Result<void> validate(const ModelConfig& config) {
  const struct {
    const char* name;
    std::int64_t value;
  } sizes[] = {{"layers", config.layers},
               {"heads", config.heads},
               {"width", config.width},
               {"context", config.context},
               {"vocabulary", config.vocabulary}};
  for (const auto& size : sizes) {
    // Token ids and positions are 32-bit numbers.
    if (size.value < 1 || size.value > std::numeric_limits<std::int32_t>::max()) {
      return fail(
          ErrorCode::invalid_argument,
          fmt::format("{} is {}, but must be a positive 32-bit number", size.name, size.value));
    }
  }
  if (config.width % config.heads != 0) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("width {} is not a multiple of {} heads", config.width, config.heads));
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("dropout is {}, but must be at least 0 and below 1", config.dropout));
  }
  return {};
}

}  // namespace nodezero::model
