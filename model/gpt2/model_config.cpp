// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/model_config.hpp"

#include <cmath>
#include <cstdlib>
#include <limits>

#include <fmt/format.h>

#include "model/tensors/shape.hpp"

namespace nodezero::model {
namespace {

/// The deepest networks that anybody trained have a tenth of that.
constexpr std::int64_t most_layers = 10'000;

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

}  // namespace

float ModelConfig::attention_scale(std::int64_t layer) const {
  const float scale =
      unscaled_attention ? 1.0f : 1.0f / std::sqrt(static_cast<float>(head_width()));
  return inverse_layer_scaling ? scale / static_cast<float>(layer + 1) : scale;
}

double ModelConfig::parameters() const {
  const auto C = static_cast<double>(width), I = static_cast<double>(inner_width());
  const double block = C * (4 * C + 9) + I * (2 * C + 1);
  const double embeddings = static_cast<double>((untied ? 2 : 1) * vocabulary + context) * C;
  return embeddings + static_cast<double>(layers) * block + 2 * C;
}

Result<void> validate(const ModelConfig& config) {
  const struct {
    const char* name;
    std::int64_t value;
  } sizes[] = {{"layers", config.layers},         {"heads", config.heads},
               {"width", config.width},           {"context", config.context},
               {"vocabulary", config.vocabulary}, {"inner", config.inner == 0 ? 1 : config.inner}};
  // Token ids and positions are 32-bit numbers.
  constexpr std::int64_t most = std::numeric_limits<std::int32_t>::max();
  for (const auto& size : sizes) {
    if (size.value < 1 || size.value > most) {
      return fail(ErrorCode::invalid_argument,
                  fmt::format("'{}' must be from 1 to {}, not {}", size.name, most, size.value));
    }
  }
  if (config.layers > most_layers) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'layers' must be from 1 to {}, not {}", most_layers, config.layers));
  }
  if (config.parameters() > static_cast<double>(most_values)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("{} layers of width {} with a vocabulary of {} and a context of {} "
                            "are too large for memory; choose smaller sizes",
                            config.layers, config.width, config.vocabulary, config.context));
  }
  if (config.width % config.heads != 0) {
    return fail(
        ErrorCode::invalid_argument,
        fmt::format("'heads' must divide 'width' ({}), which {} does not; choose {}", config.width,
                    config.heads, nearest_divisor(config.width, config.heads)));
  }
  if (!(config.dropout >= 0 && config.dropout < 1)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'dropout' must be at least 0 and below 1, not {}", config.dropout));
  }
  if (!(config.layer_norm_epsilon > 0 && config.layer_norm_epsilon < 1)) {
    return fail(ErrorCode::invalid_argument,
                fmt::format("'layer_norm_epsilon' must be above 0 and below 1, not {}",
                            config.layer_norm_epsilon));
  }
  return {};
}

}  // namespace nodezero::model
