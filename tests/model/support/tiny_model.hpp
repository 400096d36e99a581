// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/random.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/training/adamw.hpp"

namespace nodezero::model {

/// The smallest model that has every kind of tensor, in sizes that need padding.
inline ModelConfig tiny_config() {
  return {.layers = 2, .heads = 2, .width = 6, .context = 8, .vocabulary = 11, .dropout = 0.125};
}

/// Fills tensors with numbers that differ; padding stays zero.
inline void fill_with_noise(std::uint64_t seed, TensorSet& set) {
  const KeyedRandom random(seed, RandomPurpose::initial_weights, 0);
  std::uint64_t number = 0;
  for (const TensorInfo& info : set.layout()->tensors()) {
    for (float& value : set[info]) {
      value = static_cast<float>(random.uniform(number++)) - 0.5f;
    }
  }
}

inline Parameters tiny_weights(std::uint64_t seed) {
  Parameters weights(gpt2_layout(tiny_config()));
  fill_with_noise(seed, weights);
  return weights;
}

}  // namespace nodezero::model
