// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "model/kernels/activation.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// The shape of a GPT-2, what sets it apart from others of its family, and its dropout.
struct ModelConfig {
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t width = 128;       ///< C, channels of the residual stream
  std::int64_t context = 64;      ///< T, tokens of the longest sequence
  std::int64_t vocabulary = 256;  ///< V, number of token ids
  double dropout = 0.0;           ///< probability, for embeddings, attention and residuals

  std::int64_t inner = 0;  ///< channels inside the MLP; 0: four times the width
  Activation activation = Activation::gelu;
  double layer_norm_epsilon = 1e-5;
  bool untied = false;                 ///< the output has a matrix of its own
  bool unscaled_attention = false;     ///< scores are not divided by the root of the head's width
  bool inverse_layer_scaling = false;  ///< scores of layer l = 0, 1, ... are divided by l + 1

  std::int64_t head_width() const { return width / heads; }
  std::int64_t inner_width() const { return inner > 0 ? inner : 4 * width; }
  /// What the scores of attention are multiplied by.
  float attention_scale(std::int64_t layer) const;
  /// The number of weights, in double, because a damaged file may ask for more than there can be.
  double parameters() const;

  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// Fails with invalid_argument if a size is not positive or too large, the width is not a multiple
/// of the heads, dropout is outside [0, 1) or the epsilon outside (0, 1).
Result<void> validate(const ModelConfig& config);

}  // namespace nodezero::model
