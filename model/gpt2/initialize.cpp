// SPDX-License-Identifier: BSD-3-Clause
#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstdint>
#include <numbers>
#include <span>
#include <string_view>

#include "model/gpt2/gpt2.hpp"
#include "model/kernels/random.hpp"

namespace nodezero::model {
namespace {

constexpr std::size_t group_size = 64;
constexpr std::size_t lanes = 16;

/// log(u) for u in (0, 1] to single precision: u = 2^e m with m in [sqrt(1/2), sqrt(2)), and
/// log(m) = 2 artanh(s) with s = (m - 1) / (m + 1), |s| < 0.172, from its series.
float log_of_unit(float u) {
  const std::uint32_t bits = std::bit_cast<std::uint32_t>(u);
  const std::uint32_t above = bits - 0x3F3504F3u;  // the bits of sqrt(1/2)
  const auto e = static_cast<float>(static_cast<std::int32_t>(above) >> 23);
  const float m = std::bit_cast<float>((above & 0x007FFFFFu) + 0x3F3504F3u);
  const float s = (m - 1.0f) / (m + 1.0f);
  const float z = s * s;
  const float series = 1.0f + z * (1.0f / 3 + z * (1.0f / 5 + z * (1.0f / 7 + z * (1.0f / 9))));
  return e * std::numbers::ln2_v<float> + 2.0f * s * series;
}

/// Writes 64 standard normal numbers, elements 64 group to 64 group + 63 of the sequence of
/// `random`, by pairs of uniform numbers (Box, Muller: "A note on the generation of random
/// normal deviates", 1958). Without calls of the C library it runs in vector registers and
/// gives the same weights whatever library a machine has.
void normal_group(const KeyedRandom& random, std::size_t group, std::span<float, group_size> out) {
  std::array<std::array<std::uint32_t, lanes>, 4> words;
  random.words_of_16(group * lanes, words);
  for (std::size_t pair = 0; pair < 2; ++pair) {
    const auto& radii = words[2 * pair];
    const auto& angles = words[2 * pair + 1];
    for (std::size_t i = 0; i < lanes; ++i) {
      // 24 bits and a half: above 0, so that the logarithm is finite.
      const float u = (static_cast<float>(radii[i] >> 8) + 0.5f) * 0x1.0p-24f;
      const float radius = std::sqrt(-2.0f * log_of_unit(u));
      // Two bits choose a quarter of the circle, the others an angle in [-pi/4, pi/4).
      const auto fraction = static_cast<std::int32_t>(angles[i] << 2);
      const float x = static_cast<float>(fraction) * (std::numbers::pi_v<float> * 0x1.0p-33f);
      const float z = x * x;
      const float sine =
          x * (1.0f - z * (1.0f / 6 - z * (1.0f / 120 - z * (1.0f / 5040 - z / 362880))));
      const float cosine =
          1.0f - z * (0.5f - z * (1.0f / 24 - z * (1.0f / 720 - z * (1.0f / 40320))));
      const std::uint32_t quarter = angles[i] >> 30;
      const float first = quarter & 1 ? -sine : cosine;
      const float second = quarter & 1 ? cosine : sine;
      const float signed_radius = quarter & 2 ? -radius : radius;
      out[2 * pair * lanes + i] = signed_radius * first;
      out[(2 * pair + 1) * lanes + i] = signed_radius * second;
    }
  }
}

void fill_normal(const KeyedRandom& random, float deviation, std::span<float> values) {
  std::array<float, group_size> numbers;
  for (std::size_t first = 0; first < values.size(); first += group_size) {
    normal_group(random, first / group_size, numbers);
    const std::size_t count = std::min(group_size, values.size() - first);
    for (std::size_t i = 0; i < count; ++i) {
      values[first + i] = deviation * numbers[i];
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
      const double wanted = name.ends_with(".c_proj.weight") ? projection_deviation : deviation;
      fill_normal(random, static_cast<float>(wanted), values);
    }
  }
}

}  // namespace nodezero::model
