// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>

#include "nodezero/error.hpp"

namespace nodezero::model {

/// The shape of a GPT-2, and its dropout.
struct ModelConfig {
  std::int64_t layers = 4;
  std::int64_t heads = 4;
  std::int64_t width = 128;       ///< C, channels of the residual stream
  std::int64_t context = 64;      ///< T, tokens of the longest sequence
  std::int64_t vocabulary = 256;  ///< V, number of token ids
  double dropout = 0.0;           ///< probability, for embeddings, attention and residuals

  std::int64_t head_width() const { return width / heads; }
  friend bool operator==(const ModelConfig&, const ModelConfig&) = default;
};

/// Fails with invalid_argument if a size is not positive or too large, the width is not a multiple
/// of the heads, or dropout is outside [0, 1).
Result<void> validate(const ModelConfig& config);

}  // namespace nodezero::model
