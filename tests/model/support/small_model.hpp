// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cmath>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "model/gpt2/gpt2.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/random.hpp"

namespace nodezero::model::test {

/// Numbers in [-1, 1) that depend on the seed alone.
inline std::vector<double> noise(std::size_t count, std::uint64_t seed) {
  const KeyedRandom random(seed, RandomPurpose::initial_weights, 7);
  std::vector<double> values(count);
  for (std::size_t i = 0; i < count; ++i) {
    values[i] = 2 * random.uniform(i) - 1;
  }
  return values;
}

/// Weights far from the initial ones: every bias and gain differs from its neutral value,
/// so that no term of a gradient can hide behind a zero.
inline Parameters uneven_weights(const ModelConfig& config, std::uint64_t seed) {
  Parameters weights(gpt2_layout(config));
  for (const TensorInfo& tensor : weights.layout()->tensors()) {
    const std::vector<double> values = noise(tensor.size, seed + tensor.offset);
    const bool is_gain =
        tensor.name.find(".ln_") != std::string::npos && tensor.name.ends_with(".weight");
    const double size = tensor.decayed ? 1.0 / std::sqrt(static_cast<double>(config.width)) : 0.3;
    for (std::size_t i = 0; i < tensor.size; ++i) {
      weights[tensor][i] = static_cast<float>(is_gain ? 1 + size * values[i] : size * values[i]);
    }
  }
  return weights;
}

/// `config` with each thing that sets models of the family apart, and with all of them.
inline std::vector<ModelConfig> family_of(const ModelConfig& config) {
  std::vector<ModelConfig> all(9, config);
  all[0].activation = Activation::gelu_exact;
  all[1].activation = Activation::relu;
  all[2].untied = true;
  all[3].inner = config.width + 5;  // less than 3 C, which shares its place
  all[4].inner = 5 * config.width + 3;
  all[5].layer_norm_epsilon = 0.1;
  all[6].unscaled_attention = true;
  all[7].inverse_layer_scaling = true;
  all[8] = {.layers = config.layers,
            .heads = config.heads,
            .width = config.width,
            .context = config.context,
            .vocabulary = config.vocabulary,
            .dropout = config.dropout,
            .inner = 2 * config.width + 1,
            .activation = Activation::gelu_exact,
            .layer_norm_epsilon = 1e-3,
            .untied = true,
            .unscaled_attention = true,
            .inverse_layer_scaling = true};
  return all;
}

/// A batch of random tokens of which every `masked_every`-th target is ignored (0: none).
inline MicroBatch random_batch(const ModelConfig& config, std::int64_t sequences,
                               std::int64_t context, std::uint64_t seed,
                               std::size_t masked_every = 0) {
  MicroBatch batch;
  batch.sequences = sequences;
  batch.context = context;
  const KeyedRandom random(seed, RandomPurpose::window_order, 3);
  const auto token = [&](std::uint64_t i) {
    return static_cast<std::int32_t>(random.uniform(i) * static_cast<double>(config.vocabulary));
  };
  for (std::size_t i = 0; i < static_cast<std::size_t>(sequences * context); ++i) {
    batch.inputs.push_back(token(2 * i));
    const bool masked = masked_every > 0 && i % masked_every == masked_every - 1;
    batch.targets.push_back(masked ? ignored_target : token(2 * i + 1));
    batch.valid_tokens += masked ? 0 : 1;
  }
  return batch;
}

/// The flat buffer in double, as the reference path takes it.
inline std::vector<double> widened(const TensorSet& set) {
  return {set.values().begin(), set.values().end()};
}

/// |a|, Euclidean.
template <class A>
double norm(const A& a) {
  double sum = 0;
  for (const double value : a) {
    sum += value * value;
  }
  return std::sqrt(sum);
}

/// |a - b|.
template <class A, class B>
double distance(const A& a, const B& b) {
  double sum = 0;
  for (std::size_t i = 0; i < b.size(); ++i) {
    const double difference = static_cast<double>(a[i]) - static_cast<double>(b[i]);
    sum += difference * difference;
  }
  return std::sqrt(sum);
}

/// |a - b| / |b|.
template <class A, class B>
double relative_distance(const A& a, const B& b) {
  return distance(a, b) / norm(b);
}

}  // namespace nodezero::model::test
