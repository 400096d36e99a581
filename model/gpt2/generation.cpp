// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/generation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "model/gpt2/gpt2_tensors.hpp"
#include "model/kernels/attention_rows.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/kernels/row_product.hpp"
#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {
namespace {

std::size_t floats(Index count) {
  return static_cast<std::size_t>(count);
}

/// The model with its keys and values of the tokens seen so far. Several tokens go through
/// it at once (a prompt) or one (a step of generation) by the same code.
class Decoder {
 public:
  /// `halves`, if not empty, are the same weights in bf16, which lose nothing by it.
  Decoder(const ModelConfig& config, const Parameters& weights, std::span<const Bf16> halves)
      : config_(config),
        w_(weights.values()),
        halves_(halves),
        at_(config, *weights.layout()),
        C_(config.width),
        keys_(floats(config.layers * config.context * C_)),
        values_(floats(config.layers * config.context * C_)),
        scores_(floats(round_up(config.context, group))) {}

  /// Tokens in the cache.
  Index size() const { return size_; }

  void clear() { size_ = 0; }

  /// Takes tokens for the positions from size() on, at most up to the context. Returns their
  /// final hidden states [tokens, C], valid until the next call.
  ConstMatrix extend(std::span<const std::int32_t> tokens) {
    rows_ = static_cast<Index>(tokens.size());
    make_room();
    for (Index row = 0; row < rows_; ++row) {
      embed(tokens[static_cast<std::size_t>(row)], size_ + row, x().row(row));
    }
    for (Index layer = 0; layer < config_.layers; ++layer) {
      block(layer);
    }
    normalise(at_.ln_f_weight, at_.ln_f_bias);
    size_ += rows_;
    return normed();
  }

  /// out [rows, V] = hidden states [rows, C] times the tied embedding.
  void logits(ConstMatrix hidden, Matrix out) const {
    if (reads_halves(hidden)) {
      multiply_row(hidden.row(0), halves_(at_.wte).transpose(), out.row(0));
    } else {
      multiply(hidden, w_(at_.wte).transpose(), out);
    }
  }

 private:
  // Of the tokens at hand.
  Matrix x() { return {x_.span(), rows_, C_}; }
  Matrix normed() { return {normed_.span(), rows_, C_}; }
  Matrix attended() { return {attended_.span(), rows_, C_}; }
  Matrix branch() { return {branch_.span(), rows_, C_}; }
  Matrix qkv() { return {wide_.span(), rows_, 3 * C_}; }
  Matrix wide() { return {wide_.span(), rows_, 4 * C_}; }
  Matrix activated() { return {activated_.span(), rows_, 4 * C_}; }

  bool reads_halves(ConstMatrix x) const { return !halves_.empty() && x.rows() == 1; }

  /// y = x w.
  void product(ConstMatrix x, const MatrixPlace& weight, Matrix y) const {
    if (reads_halves(x)) {
      multiply_row(x.row(0), halves_(weight), y.row(0));
    } else {
      multiply(x, w_(weight), y);
    }
  }

  void make_room() {
    if (floats(rows_ * C_) <= x_.size()) {
      return;
    }
    for (AlignedBuffer* buffer : {&x_, &normed_, &attended_, &branch_}) {
      *buffer = AlignedBuffer(floats(rows_ * C_));
    }
    for (AlignedBuffer* buffer : {&wide_, &activated_}) {
      *buffer = AlignedBuffer(floats(rows_ * 4 * C_));
    }
    moments_ = AlignedBuffer(floats(2 * rows_));
  }

  void embed(Index token, Index position, Vector x) const {
    const ConstVector of_token = w_(at_.wte).row(token), of_position = w_(at_.wpe).row(position);
    for (Index c = 0; c < C_; ++c) {
      x[c] = of_token[c] + of_position[c];
    }
  }

  void normalise(const VectorPlace& gain, const VectorPlace& bias) {
    Vector moments(moments_.span());
    layer_norm(x(), w_(gain), w_(bias), normed(), {moments.head(rows_), moments.tail(rows_)});
  }

  /// x += input w + b.
  void add_projection(ConstMatrix input, const MatrixPlace& weight, const VectorPlace& bias) {
    product(input, weight, branch());
    add_bias(w_(bias), branch());
    for (Index i = 0; i < rows_ * C_; ++i) {
      x_.data()[i] += branch_.data()[i];
    }
  }

  void block(Index layer) {
    const BlockPlaces& at = at_.blocks[static_cast<std::size_t>(layer)];
    normalise(at.ln_1_weight, at.ln_1_bias);
    product(normed(), at.attn_weight, qkv());
    add_bias(w_(at.attn_bias), qkv());
    attend(layer);
    add_projection(attended(), at.attn_proj_weight, at.attn_proj_bias);

    normalise(at.ln_2_weight, at.ln_2_bias);
    product(normed(), at.fc_weight, wide());
    bias_gelu(w_(at.fc_bias), wide(), activated());
    add_projection(activated(), at.mlp_proj_weight, at.mlp_proj_bias);
  }

  void attend(Index layer) {
    const Index T = config_.context, D = config_.head_width();
    Matrix keys(keys_.data() + layer * C_ * T, C_, T),
        values(values_.data() + layer * T * C_, T, C_);
    for (Index row = 0; row < rows_; ++row) {
      const Index position = size_ + row;
      Vector from = qkv().row(row), to = attended().row(row);
      for (Index c = 0; c < C_; ++c) {
        keys(c, position) = from[C_ + c];
      }
      values.row(position) = from.tail(C_);
      for (Index c = 0; c < C_; c += D) {
        attend_query(from.segment(c, D), keys.block(c, 0, D, position + 1),
                     values.block(0, c, position + 1, D), to.segment(c, D));
      }
    }
  }

  /// y = softmax(q k / sqrt(D)) v over the first N positions of the cache: q, y [D], k [D, N],
  /// v [N, D].
  void attend_query(ConstVector q, ConstMatrix k, ConstMatrix v, Vector y) {
    Vector scores(scores_.span());
    multiply_row(q, k, scores.head(k.cols()));
    softmax_row(k.cols(), 1.0f / std::sqrt(static_cast<float>(q.size())), scores);
    multiply_row(scores.head(k.cols()), v, y);
  }

  ModelConfig config_;
  Gpt2Weights w_;
  Gpt2Tensors<const Bf16> halves_;
  Gpt2Places at_;
  Index C_;
  Index size_ = 0, rows_ = 0;
  AlignedBuffer keys_;    ///< [layers, C, T], so that a query meets many keys at once
  AlignedBuffer values_;  ///< [layers, T, C]
  AlignedBuffer scores_;  ///< [T], up to whole groups
  AlignedBuffer x_, normed_, attended_, branch_, wide_, activated_, moments_;
};

void check(const ModelConfig& config, std::span<const std::int32_t> tokens) {
  if (tokens.empty()) {
    throw std::invalid_argument("generation needs at least one token");
  }
  for (const std::int32_t token : tokens) {
    if (token < 0 || token >= config.vocabulary) {
      throw std::invalid_argument("a token lies outside the vocabulary");
    }
  }
}

/// Weights as a generator reads them: as they are, or rounded to bf16, with what they became.
struct GivenWeights {
  GivenWeights(std::shared_ptr<const Parameters> given, Precision precision) {
    if (precision == Precision::fp32) {
      values = std::move(given);
      return;
    }
    const auto rounded = std::make_shared<Parameters>(given->layout());
    halves.resize(given->values().size());
    std::ranges::transform(given->values(), halves.begin(), to_bf16);
    std::ranges::transform(halves, rounded->values().begin(), [](Bf16 x) { return to_float(x); });
    values = rounded;
  }

  std::shared_ptr<const Parameters> values;
  std::vector<Bf16> halves;  ///< the same, or none
};

}  // namespace

struct Generator::State {
  State(const ModelConfig& config, GivenWeights given, std::span<const std::int32_t> prompt,
        const SamplingOptions& options)
      : config(config),
        options(options),
        weights(std::move(given)),
        decoder(config, *weights.values, weights.halves),
        logits(floats(config.vocabulary)) {
    const std::size_t kept = std::min(prompt.size(), floats(config.context));
    tokens.assign(prompt.end() - static_cast<std::ptrdiff_t>(kept), prompt.end());
  }

  std::int32_t next() {
    if (decoder.size() == config.context) {
      const auto kept = std::max<std::ptrdiff_t>(1, config.context / 2);
      tokens.erase(tokens.begin(), tokens.end() - kept);
      decoder.clear();
    }
    const auto fresh = std::span(tokens).subspan(static_cast<std::size_t>(decoder.size()));
    const ConstMatrix hidden = decoder.extend(fresh);
    decoder.logits(hidden.bottomRows(1), Matrix(logits, 1, config.vocabulary));
    tokens.push_back(sample(logits, options, index++));
    return tokens.back();
  }

  ModelConfig config;
  SamplingOptions options;
  GivenWeights weights;
  Decoder decoder;
  std::vector<float> logits;
  std::vector<std::int32_t> tokens;  ///< those in the cache, and the ones to come
  std::uint64_t index = 0;
};

Generator::Generator(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
                     std::span<const std::int32_t> prompt, const SamplingOptions& options,
                     Precision precision) {
  check(config, prompt);
  state_ =
      std::make_unique<State>(config, GivenWeights(std::move(weights), precision), prompt, options);
}
Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

std::int32_t Generator::next() {
  return state_->next();
}

std::vector<float> logits(const ModelConfig& config, const Parameters& weights,
                          std::span<const std::int32_t> tokens) {
  check(config, tokens);
  if (tokens.size() > floats(config.context)) {
    throw std::invalid_argument("a sequence is longer than the context");
  }
  Decoder decoder(config, weights, {});
  std::vector<float> out(tokens.size() * floats(config.vocabulary));
  const ConstMatrix hidden = decoder.extend(tokens);
  decoder.logits(hidden, Matrix(out, hidden.rows(), config.vocabulary));
  return out;
}

}  // namespace nodezero::model
