// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/gpt2_layout.hpp"

#include <stdexcept>
#include <string>

#include <fmt/format.h>

namespace nodezero::model {
namespace {

std::size_t offset_of(const TensorLayout& layout, const std::string& name,
                      const std::vector<std::int64_t>& shape) {
  const TensorInfo* tensor = layout.find(name);
  if (tensor == nullptr || tensor->shape != shape) {
    throw std::invalid_argument(fmt::format("tensor {} is missing or does not have the shape [{}]",
                                            name, fmt::join(shape, ", ")));
  }
  return tensor->offset;
}

VectorPlace place(const TensorLayout& layout, const std::string& name, std::int64_t size) {
  return {offset_of(layout, name, {size}), size};
}

MatrixPlace place(const TensorLayout& layout, const std::string& name, std::int64_t rows,
                  std::int64_t columns) {
  return {offset_of(layout, name, {rows, columns}), rows, columns};
}

}  // namespace

std::shared_ptr<const TensorLayout> gpt2_layout(const ModelConfig& config) {
  const std::int64_t C = config.width, inner = config.inner_width();
  std::vector<TensorInfo> tensors;
  const auto add = [&](std::string name, std::vector<std::int64_t> shape) {
    TensorInfo tensor;
    tensor.name = std::move(name);
    tensor.shape = std::move(shape);
    tensors.push_back(std::move(tensor));
  };
  const auto add_with_bias = [&](const std::string& name, std::vector<std::int64_t> shape) {
    const std::int64_t outputs = shape.back();
    add(name + ".weight", std::move(shape));
    add(name + ".bias", {outputs});
  };
  add("transformer.wte.weight", {config.vocabulary, C});
  add("transformer.wpe.weight", {config.context, C});
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const std::string block = fmt::format("transformer.h.{}", layer);
    add_with_bias(block + ".ln_1", {C});
    add_with_bias(block + ".attn.c_attn", {C, 3 * C});
    add_with_bias(block + ".attn.c_proj", {C, C});
    add_with_bias(block + ".ln_2", {C});
    add_with_bias(block + ".mlp.c_fc", {C, inner});
    add_with_bias(block + ".mlp.c_proj", {inner, C});
  }
  add_with_bias("transformer.ln_f", {C});
  if (config.untied) {
    add("lm_head.weight", {config.vocabulary, C});
  }
  return std::make_shared<const TensorLayout>(std::move(tensors));
}

Gpt2Places::Gpt2Places(const ModelConfig& config, const TensorLayout& layout)
    : wte(place(layout, "transformer.wte.weight", config.vocabulary, config.width)),
      output(config.untied ? place(layout, "lm_head.weight", config.vocabulary, config.width)
                           : wte),
      wpe(place(layout, "transformer.wpe.weight", config.context, config.width)),
      ln_f_weight(place(layout, "transformer.ln_f.weight", config.width)),
      ln_f_bias(place(layout, "transformer.ln_f.bias", config.width)) {
  const std::int64_t C = config.width, inner = config.inner_width();
  for (std::int64_t layer = 0; layer < config.layers; ++layer) {
    const auto in_block = [&](const char* name, auto... shape) {
      return place(layout, fmt::format("transformer.h.{}.{}", layer, name), shape...);
    };
    blocks.push_back({.ln_1_weight = in_block("ln_1.weight", C),
                      .ln_1_bias = in_block("ln_1.bias", C),
                      .attn_weight = in_block("attn.c_attn.weight", C, 3 * C),
                      .attn_bias = in_block("attn.c_attn.bias", 3 * C),
                      .attn_proj_weight = in_block("attn.c_proj.weight", C, C),
                      .attn_proj_bias = in_block("attn.c_proj.bias", C),
                      .ln_2_weight = in_block("ln_2.weight", C),
                      .ln_2_bias = in_block("ln_2.bias", C),
                      .fc_weight = in_block("mlp.c_fc.weight", C, inner),
                      .fc_bias = in_block("mlp.c_fc.bias", inner),
                      .mlp_proj_weight = in_block("mlp.c_proj.weight", inner, C),
                      .mlp_proj_bias = in_block("mlp.c_proj.bias", C)});
  }
}

}  // namespace nodezero::model
