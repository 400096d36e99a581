// SPDX-License-Identifier: BSD-3-Clause
#include "model/gpt2/generation.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

#include "model/gpt2/decoder.hpp"
#include "model/kernels/cross_entropy.hpp"

namespace nodezero::model {
namespace {

std::size_t floats(Index count) {
  return static_cast<std::size_t>(count);
}

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
  State(const ModelConfig& config, std::shared_ptr<const Parameters> given, Precision precision,
        std::span<const std::int32_t> prompt, const SamplingOptions& options)
      : config(config),
        options(options),
        weights(std::move(given), precision),
        decoder(config, weights),
        cache(config),
        logits(floats(config.vocabulary)) {
    const std::size_t kept = std::min(prompt.size(), floats(config.context));
    tokens.assign(prompt.end() - static_cast<std::ptrdiff_t>(kept), prompt.end());
  }

  std::int32_t next() {
    if (cache.size() == config.context) {
      const auto kept = std::max<std::ptrdiff_t>(1, config.context / 2);
      tokens.erase(tokens.begin(), tokens.end() - kept);
      cache.clear();
    }
    const auto fresh = std::span(tokens).subspan(static_cast<std::size_t>(cache.size()));
    const ConstMatrix hidden = decoder.extend(std::array{Decoder::Piece{&cache, fresh}});
    decoder.logits(hidden.bottomRows(1), Matrix(logits, 1, config.vocabulary));
    tokens.push_back(sample(logits, options, index++));
    return tokens.back();
  }

  ModelConfig config;
  SamplingOptions options;
  DecoderWeights weights;
  Decoder decoder;
  KeyValueCache cache;
  std::vector<float> logits;
  std::vector<std::int32_t> tokens;  ///< those in the cache, and the ones to come
  std::uint64_t index = 0;
};

Generator::Generator(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
                     std::span<const std::int32_t> prompt, const SamplingOptions& options,
                     Precision precision) {
  check(config, prompt);
  state_ = std::make_unique<State>(config, std::move(weights), precision, prompt, options);
}
Generator::~Generator() = default;
Generator::Generator(Generator&&) noexcept = default;
Generator& Generator::operator=(Generator&&) noexcept = default;

std::int32_t Generator::next() {
  return state_->next();
}

double Generator::log_probability() const {
  return -negative_log_likelihood(ConstVector(std::span<const float>(state_->logits)),
                                  state_->tokens.back());
}

std::vector<float> logits(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
                          std::span<const std::int32_t> tokens, Precision precision) {
  check(config, tokens);
  if (tokens.size() > floats(config.context)) {
    throw std::invalid_argument("a sequence is longer than the context");
  }
  const DecoderWeights given(std::move(weights), precision);
  Decoder decoder(config, given);
  KeyValueCache cache(config);
  std::vector<float> out(tokens.size() * floats(config.vocabulary));
  const ConstMatrix hidden = decoder.extend(std::array{Decoder::Piece{&cache, tokens}});
  decoder.logits(hidden, Matrix(out, hidden.rows(), config.vocabulary));
  return out;
}

}  // namespace nodezero::model
