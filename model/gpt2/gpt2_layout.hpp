// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// The tensors of a GPT-2; lm_head.weight is one of them only if the output is untied.
std::shared_ptr<const TensorLayout> gpt2_layout(const ModelConfig& config);

/// Where a tensor lies in the flat buffer of its set, in values. Gpt2Tensors turns a place into a
/// view.
struct MatrixPlace {
  std::size_t offset;
  std::int64_t rows, columns;
};
struct VectorPlace {
  std::size_t offset;
  std::int64_t size;
};

/// The tensors of one block.
struct BlockPlaces {
  VectorPlace ln_1_weight, ln_1_bias;  ///< [C]
  MatrixPlace attn_weight;             ///< [C, 3C]
  VectorPlace attn_bias;               ///< [3C]
  MatrixPlace attn_proj_weight;        ///< [C, C]
  VectorPlace attn_proj_bias;          ///< [C]
  VectorPlace ln_2_weight, ln_2_bias;  ///< [C]
  MatrixPlace fc_weight;               ///< [C, I], I = config.inner_width()
  VectorPlace fc_bias;                 ///< [I]
  MatrixPlace mlp_proj_weight;         ///< [I, C]
  VectorPlace mlp_proj_bias;           ///< [C]
};

/// The tensors of a GPT-2 by role. They are looked up by name once, so that a training step
/// compares no strings.
struct Gpt2Places {
  /// @throws std::invalid_argument if the layout lacks a tensor of the model or has it in
  /// another shape.
  Gpt2Places(const ModelConfig& config, const TensorLayout& layout);

  MatrixPlace wte;                     ///< [V, C]
  MatrixPlace output;                  ///< [V, C], the same unless untied
  MatrixPlace wpe;                     ///< [T, C]
  VectorPlace ln_f_weight, ln_f_bias;  ///< [C]
  std::vector<BlockPlaces> blocks;
};

}  // namespace nodezero::model
