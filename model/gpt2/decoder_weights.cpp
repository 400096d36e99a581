// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/decoder_weights.hpp"

#include <utility>

#include "model/gpt2/gpt2_tensors.hpp"

namespace nodezero::model {
namespace {

std::size_t size_of_factor(Index terms, Index columns) {
  constexpr std::size_t line = 16;  // floats, so that each factor begins on a 64-byte boundary
  const auto size = static_cast<std::size_t>(packed_floats(columns, terms));
  return (size + line - 1) / line * line;
}

std::vector<MatrixPlace> matrices_of_blocks(const Gpt2Places& places) {
  std::vector<MatrixPlace> matrices;
  for (const auto& block : places.blocks) {
    matrices.insert(matrices.end(), {block.attn_weight, block.attn_proj_weight, block.fc_weight,
                                     block.mlp_proj_weight});
  }
  return matrices;
}

std::size_t packed_size(const Gpt2Places& places) {
  std::size_t size = size_of_factor(places.output.columns, places.output.rows);
  for (const auto& matrix : matrices_of_blocks(places)) {
    size += size_of_factor(matrix.rows, matrix.columns);
  }
  return size;
}

}  // namespace

std::size_t PackedWeights::bytes(const ModelConfig& config) {
  return packed_size(Gpt2Places(config, *gpt2_layout(config))) * sizeof(float);
}

PackedWeights::PackedWeights(const ModelConfig& config, const Parameters& weights) {
  const Gpt2Places places(config, *weights.layout());
  values_ = AlignedBuffer(packed_size(places));
  const Gpt2Weights w(weights.values());
  std::size_t used = 0;
  const auto pack_next = [&](std::size_t offset, auto factor) {
    const auto count = size_of_factor(factor.rows(), factor.cols());
    factors_.emplace(offset, pack(factor, Vector(values_.span().subspan(used, count))));
    used += count;
  };
  for (const auto& matrix : matrices_of_blocks(places)) {
    pack_next(matrix.offset, w(matrix));
  }
  pack_next(places.output.offset, w(places.output).transpose());
}

DecoderWeights::DecoderWeights(std::shared_ptr<const Parameters> weights, Precision precision)
    : values(std::move(weights)), precision(precision) {
  if (precision != Precision::fp32) {
    halves.resize(values->values().size());
    round_row(ConstVector(values->values()), Bf16Vector(std::span(halves)));
  }
}

std::size_t DecoderWeights::bytes(const ModelConfig& config, Precision precision) {
  return precision == Precision::fp32 ? PackedWeights::bytes(config)
                                      : gpt2_layout(config)->buffer_size() * sizeof(Bf16);
}

void DecoderWeights::pack(const ModelConfig& config) {
  if (precision != Precision::fp32) {
    return;
  }
  std::call_once(packing_, [&] {
    packed_weights_.emplace(config, *values);
    packed_.store(&*packed_weights_, std::memory_order_release);
  });
}

}  // namespace nodezero::model
