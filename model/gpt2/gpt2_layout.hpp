// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <memory>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// The tensors of a GPT-2 with a tied output.
std::shared_ptr<const TensorLayout> gpt2_layout(const ModelConfig& config);

/// Where one block's tensors begin in the flat buffer, in floats.
struct BlockOffsets {
  std::size_t ln_1_weight = 0, ln_1_bias = 0;            ///< [C]
  std::size_t attn_weight = 0, attn_bias = 0;            ///< [C, 3C], [3C]
  std::size_t attn_proj_weight = 0, attn_proj_bias = 0;  ///< [C, C], [C]
  std::size_t ln_2_weight = 0, ln_2_bias = 0;            ///< [C]
  std::size_t fc_weight = 0, fc_bias = 0;                ///< [C, 4C], [4C]
  std::size_t mlp_proj_weight = 0, mlp_proj_bias = 0;    ///< [4C, C], [C]
};

/// The tensors of a GPT-2 by role instead of by name, looked up once: a training step
/// compares no strings.
struct Gpt2Offsets {
  /// @throws std::invalid_argument if the layout lacks a tensor of the model or has it in
  /// another size.
  Gpt2Offsets(const ModelConfig& config, const TensorLayout& layout);

  std::size_t wte = 0;                         ///< [V, C], tied with the output
  std::size_t wpe = 0;                         ///< [T, C]
  std::size_t ln_f_weight = 0, ln_f_bias = 0;  ///< [C]
  std::vector<BlockOffsets> blocks;
};

}  // namespace nodezero::model
