// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "model/gpt2/model_config.hpp"

namespace nodezero::apps {

/// A training step whose speed is compared with that of other programs.
struct BenchShape {
  const char* name;
  model::ModelConfig model;
  std::uint32_t sequences;  ///< per step
};

/// A and B are nanoGPT's character models for CPUs and GPUs; C64 and C1024 are the smallest GPT-2
/// with a short context and with its full one.
inline const BenchShape bench_shapes[] = {
    {"A", {.layers = 4, .heads = 4, .width = 128, .context = 64, .vocabulary = 65}, 12},
    {"B", {.layers = 6, .heads = 6, .width = 384, .context = 256, .vocabulary = 65}, 8},
    {"C64", {.layers = 12, .heads = 12, .width = 768, .context = 64, .vocabulary = 50257}, 4},
    {"C1024", {.layers = 12, .heads = 12, .width = 768, .context = 1024, .vocabulary = 50257}, 2},
};

inline std::optional<BenchShape> find_bench_shape(std::string_view name) {
  for (const auto& shape : bench_shapes) {
    if (name == shape.name) {
      return shape;
    }
  }
  return std::nullopt;
}

}  // namespace nodezero::apps
