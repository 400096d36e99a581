#include "model/generation.hpp"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "model/aligned_buffer.hpp"
#include "model/elementwise.hpp"
#include "model/gpt2_offsets.hpp"
#include "model/layer_norm.hpp"
#include "model/matrix_product.hpp"
#include "model/multiversion.hpp"
#include "model/row_product.hpp"
#include "model/vector_math.hpp"

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
  Decoder(const ModelConfig& config, const Parameters& weights)
      : config_(config),
        w_(weights.values().data()),
        at_(config, *weights.layout()),
        C_(config.width),
        keys_(floats(config.layers * config.context * C_)),
        values_(floats(config.layers * config.context * C_)),
        scores_(floats(config.context)) {}

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
    product(rows, config_.vocabulary, C_, hidden.data(), {w_ + at_.wte, C_, true}, out.data());
  }

 private:
  /// y [rows, outputs] = x [rows, inputs] w.
  static void product(Index rows, Index outputs, Index inputs, const float* x, MatrixView w,
                      float* y) {
    if (rows == 1) {
      multiply_row(outputs, inputs, x, w, y);
    } else {
      multiply(rows, outputs, inputs, {x, inputs}, w, y, outputs);
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
    product(rows, C_, inputs, input, {w_ + weight, C_}, branch_.data());
    add_bias(rows, C_, w_ + bias, branch_.data());
    for (Index i = 0; i < rows * C_; ++i) {
      x_.data()[i] += branch_.data()[i];
    }
  }

  void block(Index layer, Index rows) {
    const BlockOffsets& at = at_.blocks[static_cast<std::size_t>(layer)];
    normalise(rows, at.ln_1_weight, at.ln_1_bias);
    float* const qkv = wide_.data();
    product(rows, 3 * C_, C_, normed_.data(), {w_ + at.attn_weight, 3 * C_}, qkv);
    add_bias(rows, 3 * C_, w_ + at.attn_bias, qkv);
    attend(layer, rows, qkv);
    add_projection(rows, C_, attended_.data(), at.attn_proj_weight, at.attn_proj_bias);

    normalise(rows, at.ln_2_weight, at.ln_2_bias);
    product(rows, 4 * C_, C_, normed_.data(), {w_ + at.fc_weight, 4 * C_}, wide_.data());
    bias_gelu(rows, 4 * C_, w_ + at.fc_bias, wide_.data(), activated_.data());
    add_projection(rows, 4 * C_, activated_.data(), at.mlp_proj_weight, at.mlp_proj_bias);
  }

  void attend(Index layer, Index rows, const float* qkv) {
    float* const keys = keys_.data() + layer * config_.context * C_;
    float* const values = values_.data() + layer * config_.context * C_;
    for (Index row = 0; row < rows; ++row) {
      const float* const from = qkv + row * 3 * C_;
      std::copy_n(from + C_, C_, keys + (size_ + row) * C_);
      std::copy_n(from + 2 * C_, C_, values + (size_ + row) * C_);
      for (Index head = 0; head < config_.heads; ++head) {
        const Index offset = head * config_.head_width();
        attend_query(from + offset, keys + offset, values + offset, size_ + row + 1,
                     attended_.data() + row * C_ + offset);
      }
    }
  }

  /// y = softmax(q k^T / sqrt(D)) v over the first `count` rows of the cache.
  NODEZERO_MULTIVERSION void attend_query(const float* q, const float* k, const float* v,
                                          Index count, float* y) {
    const Index D = config_.head_width();
    const float scale = 1.0f / std::sqrt(static_cast<float>(D));
    float* const scores = scores_.data();
    for (Index u = 0; u < count; ++u) {
      float dot = 0;
#pragma omp simd reduction(+ : dot)
      for (Index d = 0; d < D; ++d) {
        dot += q[d] * k[u * C_ + d];
      }
      scores[u] = dot * scale;
    }
    const float largest = *std::max_element(scores, scores + count);
    float sum = 0;
#pragma omp simd reduction(+ : sum)
    for (Index u = 0; u < count; ++u) {
      scores[u] = fast_exp(scores[u] - largest);
      sum += scores[u];
    }
    std::fill_n(y, D, 0.0f);
    for (Index u = 0; u < count; ++u) {
      const float probability = scores[u] / sum;
#pragma omp simd
      for (Index d = 0; d < D; ++d) {
        y[d] += probability * v[u * C_ + d];
      }
    }
  }

  ModelConfig config_;
  const float* w_;
  Gpt2Offsets at_;
  Index C_;
  Index size_ = 0, rows_ = 0;
  AlignedBuffer keys_, values_;  ///< [layers, context, C]
  AlignedBuffer scores_;         ///< [context]
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

}  // namespace

struct Generator::State {
  State(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
        std::span<const std::int32_t> prompt, const SamplingOptions& options)
      : config(config),
        options(options),
        weights(std::move(weights)),
        decoder(config, *this->weights),
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
  std::shared_ptr<const Parameters> weights;
  Decoder decoder;
  std::vector<float> logits;
  std::vector<std::int32_t> tokens;  ///< those in the cache, and the ones to come
  std::uint64_t index = 0;
};

Generator::Generator(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
                     std::span<const std::int32_t> prompt, const SamplingOptions& options) {
  check(config, prompt);
  state_ = std::make_unique<State>(config, std::move(weights), prompt, options);
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
  Decoder decoder(config, weights);
  std::vector<float> out(tokens.size() * floats(config.vocabulary));
  decoder.logits(decoder.extend(tokens), out);
  return out;
}

}  // namespace nodezero::model
