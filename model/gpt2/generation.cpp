// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/generation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "model/gpt2/gpt2_layout.hpp"
#include "model/kernels/attention_rows.hpp"
#include "model/kernels/bf16.hpp"
#include "model/kernels/elementwise.hpp"
#include "model/kernels/layer_norm.hpp"
#include "model/kernels/matrix_product.hpp"
#include "model/kernels/row_product.hpp"
#include "model/tensors/aligned_buffer.hpp"

namespace nodezero::model {
namespace {

using Index = std::int64_t;

std::size_t floats(Index count) {
  return static_cast<std::size_t>(count);
}

/// The model with its keys and values of the tokens seen so far. Several tokens go through
/// it at once (a prompt) or one (a step of generation) by the same code.
class Decoder {
 public:
  /// `halves`, if not null, are the same weights as bf16, which those are then equal to.
  Decoder(const ModelConfig& config, const Parameters& weights, const Bf16* halves)
      : config_(config),
        w_(weights.values().data()),
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
  std::span<const float> extend(std::span<const std::int32_t> tokens) {
    const Index rows = static_cast<Index>(tokens.size());
    make_room(rows);
    for (Index row = 0; row < rows; ++row) {
      embed(tokens[static_cast<std::size_t>(row)], size_ + row, x_.data() + row * C_);
    }
    for (Index layer = 0; layer < config_.layers; ++layer) {
      block(layer, rows);
    }
    normalise(rows, at_.ln_f_weight, at_.ln_f_bias);
    size_ += rows;
    return normed_.span().first(floats(rows * C_));
  }

  /// out [rows, V] = hidden states times the tied embedding.
  void logits(std::span<const float> hidden, std::span<float> out) const {
    const Index rows = static_cast<Index>(hidden.size()) / C_;
    product(rows, config_.vocabulary, C_, hidden.data(), at_.wte, {C_, true}, out.data());
  }

 private:
  struct Form {
    Index stride;
    bool transposed = false;
  };

  /// y [rows, outputs] = x [rows, inputs] w, with w stored at an offset of the weights.
  void product(Index rows, Index outputs, Index inputs, const float* x, std::size_t weight,
               Form form, float* y) const {
    if (rows > 1) {
      multiply(rows, outputs, inputs, {x, inputs}, {w_ + weight, form.stride, form.transposed}, y,
               outputs);
    } else if (halves_) {
      multiply_row(outputs, inputs, x, Bf16View{halves_ + weight, form.stride, form.transposed}, y);
    } else {
      multiply_row(outputs, inputs, x, MatrixView{w_ + weight, form.stride, form.transposed}, y);
    }
  }

  void make_room(Index rows) {
    if (rows <= rows_) {
      return;
    }
    rows_ = rows;
    for (AlignedBuffer* buffer : {&x_, &normed_, &attended_, &branch_}) {
      *buffer = AlignedBuffer(floats(rows * C_));
    }
    for (AlignedBuffer* buffer : {&wide_, &activated_}) {
      *buffer = AlignedBuffer(floats(rows * 4 * C_));
    }
    moments_ = AlignedBuffer(floats(2 * rows));
  }

  void embed(std::int32_t token, Index position, float* x) const {
    for (Index c = 0; c < C_; ++c) {
      x[c] = w_[at_.wte + floats(token * C_ + c)] + w_[at_.wpe + floats(position * C_ + c)];
    }
  }

  void normalise(Index rows, std::size_t gain, std::size_t bias) {
    layer_norm(rows, C_, x_.data(), w_ + gain, w_ + bias, normed_.data(),
               {moments_.data(), moments_.data() + rows_});
  }

  /// x += input w + b.
  void add_projection(Index rows, Index inputs, const float* input, std::size_t weight,
                      std::size_t bias) {
    product(rows, C_, inputs, input, weight, {C_}, branch_.data());
    add_bias(rows, C_, w_ + bias, branch_.data());
    for (Index i = 0; i < rows * C_; ++i) {
      x_.data()[i] += branch_.data()[i];
    }
  }

  void block(Index layer, Index rows) {
    const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
    normalise(rows, at.ln_1_weight, at.ln_1_bias);
    float* const qkv = wide_.data();
    product(rows, 3 * C_, C_, normed_.data(), at.attn_weight, {3 * C_}, qkv);
    add_bias(rows, 3 * C_, w_ + at.attn_bias, qkv);
    attend(layer, rows, qkv);
    add_projection(rows, C_, attended_.data(), at.attn_proj_weight, at.attn_proj_bias);

    normalise(rows, at.ln_2_weight, at.ln_2_bias);
    product(rows, 4 * C_, C_, normed_.data(), at.fc_weight, {4 * C_}, wide_.data());
    bias_gelu(rows, 4 * C_, w_ + at.fc_bias, wide_.data(), activated_.data());
    add_projection(rows, 4 * C_, activated_.data(), at.mlp_proj_weight, at.mlp_proj_bias);
  }

  void attend(Index layer, Index rows, const float* qkv) {
    float* const keys = keys_.data() + layer * config_.context * C_;
    float* const values = values_.data() + layer * config_.context * C_;
    for (Index row = 0; row < rows; ++row) {
      const float* const from = qkv + row * 3 * C_;
      for (Index c = 0; c < C_; ++c) {
        keys[c * config_.context + size_ + row] = from[C_ + c];
      }
      std::copy_n(from + 2 * C_, C_, values + (size_ + row) * C_);
      for (Index head = 0; head < config_.heads; ++head) {
        const Index offset = head * config_.head_width();
        attend_query(from + offset, keys + offset * config_.context, values + offset,
                     size_ + row + 1, attended_.data() + row * C_ + offset);
      }
    }
  }

  /// y = softmax(q k / sqrt(D)) v over the first `count` positions of the cache.
  void attend_query(const float* q, const float* k, const float* v, Index count, float* y) {
    const Index D = config_.head_width();
    float* const scores = scores_.data();
    multiply_row(count, D, q, MatrixView{k, config_.context}, scores);
    softmax_row(count, 1.0f / std::sqrt(static_cast<float>(D)), scores);
    multiply_row(D, count, scores, MatrixView{v, C_}, y);
  }

  ModelConfig config_;
  const float* w_;
  const Bf16* halves_;
  Gpt2Offsets at_;
  Index C_;
  Index size_ = 0, rows_ = 0;
  AlignedBuffer keys_;    ///< [layers, C, context], so that a query meets many keys at once
  AlignedBuffer values_;  ///< [layers, context, C]
  AlignedBuffer scores_;  ///< [context], up to whole groups
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
        decoder(config, *weights.values, weights.halves.empty() ? nullptr : weights.halves.data()),
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
    const auto hidden = decoder.extend(fresh);
    decoder.logits(hidden.last(floats(config.width)), logits);
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
  Decoder decoder(config, weights, nullptr);
  std::vector<float> out(tokens.size() * floats(config.vocabulary));
  decoder.logits(decoder.extend(tokens), out);
  return out;
}

}  // namespace nodezero::model
