// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/gpt2/decoder_weights.hpp"
#include "model/gpt2/gpt2_layout.hpp"
#include "model/gpt2/gpt2_tensors.hpp"
#include "model/gpt2/key_value_cache.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/bf16_product.hpp"
#include "model/tensors/aligned_buffer.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

/// A GPT-2. Several tokens of a sequence go through it at once (a prompt) or one (a step of
/// generation), together with those of other sequences or alone. Whichever it is, every number has
/// the bits that it has in the forward pass of training without dropout.
class Decoder {
 public:
  /// The next tokens of a sequence, at most up to the context.
  struct Piece {
    KeyValueCache* cache;
    std::span<const std::int32_t> tokens;
  };

  /// Keeps a reference to the weights.
  Decoder(const ModelConfig& config, const DecoderWeights& weights);

  /// Takes pieces of different sequences. Returns the final hidden states [tokens, C] of all their
  /// tokens, one piece after the other, valid until the next call.
  ConstMatrix extend(std::span<const Piece> pieces);

  /// out [rows, V] = hidden states [rows, C] times the output's matrix.
  void logits(ConstMatrix hidden, Matrix out);

 private:
  // Of the tokens at hand.
  Matrix x() { return {x_.span(), rows_, C_}; }
  Matrix normed() { return {normed_.span(), rows_, C_}; }
  Matrix attended() { return {attended_.span(), rows_, C_}; }
  Matrix branch() { return {branch_.span(), rows_, C_}; }
  Matrix qkv() { return {wide_.span(), rows_, 3 * C_}; }
  Matrix wide() { return {wide_.span(), rows_, inner_}; }
  Matrix activated() { return {activated_.span(), rows_, inner_}; }

  /// Where a row's token stands.
  struct Place {
    KeyValueCache* cache;
    Index position;
  };

  bool is_narrow() const { return !weights_.halves.empty(); }
  Bf16Products products() { return {weights_.precision, Vector(products_.span())}; }

  void product(ConstMatrix x, const MatrixPlace& weight, Matrix y);
  void make_room();
  void embed(Index token, Index position, Vector x) const;
  void normalise(const VectorPlace& gain, const VectorPlace& bias);
  void add_projection(ConstMatrix input, const MatrixPlace& weight, const VectorPlace& bias);
  void block(Index layer);
  template <class Value>
  void attend(Index layer);
  template <class Value>
  void remember(ConstVector key, ConstVector value, Index position, MatrixMap<Value> keys,
                MatrixMap<Value> values);
  template <class Value>
  ConstVector as_factor(ConstVector x);
  void multiply_by(ConstVector x, ConstMatrix w, Vector y);
  void multiply_by(ConstVector x, ConstBf16Matrix w, Vector y);
  ConstVector rounded(ConstVector x);

  ModelConfig config_;
  const DecoderWeights& weights_;
  Gpt2Weights w_;
  Gpt2Tensors<const Bf16> halves_;
  Gpt2Places at_;
  const PackedWeights* packed_ = nullptr;  ///< that the pieces at hand are multiplied with
  Index C_, inner_;
  Index rows_ = 0;
  std::vector<Place> places_;  ///< of the rows
  AlignedBuffer scores_;       ///< [T]
  AlignedBuffer x_, normed_, attended_, branch_, wide_, activated_, moments_;
  AlignedBuffer products_;
  std::vector<Bf16> narrow_;    ///< the left factor of the product at hand, if it is rounded
  std::vector<float> rounded_;  ///< one row of it, widened again
};

}  // namespace nodezero::model
