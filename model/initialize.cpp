#include <algorithm>
#include <cmath>
#include <cstdint>
#include <numbers>
#include <string_view>

#include "model/gpt2.hpp"
#include "model/random.hpp"

namespace nodezero::model {
namespace {

/// Two standard normal numbers from a block of random words (Box, Muller: "A note on
/// the generation of random normal deviates", 1958).
struct NormalPair {
  double first, second;
};

NormalPair normal_pair(const KeyedRandom& random, std::uint64_t block) {
  const auto words = random.words(block);
  // In (0, 1], so that the logarithm is finite.
  const double u = (static_cast<double>(words[0]) + 1.0) * 0x1.0p-32;
  const double angle = 2.0 * std::numbers::pi * static_cast<double>(words[1]) * 0x1.0p-32;
  const double radius = std::sqrt(-2.0 * std::log(u));
  return {radius * std::cos(angle), radius * std::sin(angle)};
}

void fill_normal(const KeyedRandom& random, double deviation, std::span<float> values) {
  for (std::size_t i = 0; i < values.size(); i += 2) {
    const NormalPair pair = normal_pair(random, i / 2);
    values[i] = static_cast<float>(deviation * pair.first);
    if (i + 1 < values.size()) {
      values[i + 1] = static_cast<float>(deviation * pair.second);
    }
  }
}

}  // namespace

void initialize(const ModelConfig& config, std::uint64_t seed, Parameters& weights) {
  constexpr double deviation = 0.02;
  // Every block adds two projections to the residual stream.
  const double projection_deviation =
      deviation / std::sqrt(2.0 * static_cast<double>(config.layers));
  const auto tensors = weights.layout()->tensors();
  for (std::size_t index = 0; index < tensors.size(); ++index) {
    const TensorInfo& tensor = tensors[index];
    const std::string_view name = tensor.name;
    const std::span<float> values = weights[tensor];
    if (name.ends_with(".bias")) {
      std::fill(values.begin(), values.end(), 0.0f);
    } else if (tensor.shape.size() == 1) {
      std::fill(values.begin(), values.end(), 1.0f);
    } else {
      const KeyedRandom random(seed, RandomPurpose::initial_weights, index);
      fill_normal(random, name.ends_with(".c_proj.weight") ? projection_deviation : deviation,
                  values);
    }
  }
}

}  // namespace nodezero::model
