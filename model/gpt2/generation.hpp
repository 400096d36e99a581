// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

struct SamplingOptions {
  double temperature = 0.8;  ///< 0 always takes the likeliest token
  std::int64_t top_k = 0;    ///< 0: no limit
  double top_p = 1.0;        ///< 1: no limit
  std::uint64_t seed = 1337;
  std::int64_t vocabulary = 0;  ///< ids from here on are padding and never taken; 0: none are
};

/// Fails with invalid_argument if temperature or top_k is negative or top_p outside (0, 1].
Result<void> validate(const SamplingOptions& options);

/// Picks the token at `index` of a generation from its logits [V]: a pure function of logits,
/// options and index. Ties go to the lowest id.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options,
                    std::uint64_t index);

/// What is wanted of a continuation beside the ids of its tokens.
struct TokenDetails {
  std::int32_t end_token = -1;     ///< no token comes after it; -1: there is none
  bool log_probabilities = false;  ///< of each token, as of Generator::log_probability
  bool of_prompt = false;          ///< those of the prompt's tokens as well
  std::int32_t likeliest = 0;      ///< how many of the likeliest tokens to name with each
  /// Added to the logits of these ids before a token is drawn; changes no log-probability.
  std::vector<std::pair<std::int32_t, float>> bias = {};
};

/// A token, and what the model thought of it.
struct ScoredToken {
  std::int32_t id = 0;
  std::optional<double> log_probability =
      std::nullopt;  ///< none if not wanted or nothing is before it
  /// The likeliest in its place and their log-probabilities, the likeliest first.
  std::vector<std::pair<std::int32_t, double>> likeliest = {};
};

/// Generates tokens from one immutable version of the weights, with a key-value cache. When the
/// context is full, the newer half of its tokens is processed again and generation continues from
/// there. Uses only the calling thread.
class Generator {
 public:
  /// Only the last `context` tokens of the prompt count. With factors in bf16 a step reads half the
  /// bytes, which is what takes the time in a large model; the generator then holds one and a half
  /// copies of the weights.
  /// @throws std::invalid_argument if the prompt is empty or has a token outside of the vocabulary
  Generator(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
            std::span<const std::int32_t> prompt, const SamplingOptions& options,
            Precision precision = Precision::fp32);
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  /// The next token id.
  std::int32_t next();

  /// After next(): the logarithm of the probability that the model gave its token, before
  /// temperature and limits. It has the bits of the forward pass of training without dropout over
  /// the window that the token was drawn from.
  double log_probability() const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Logits [tokens, V] of one sequence, as the forward pass of training without dropout has them.
/// @throws std::invalid_argument if it has no tokens, more than `context`, or one outside of the
/// vocabulary
std::vector<float> logits(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
                          std::span<const std::int32_t> tokens,
                          Precision precision = Precision::fp32);

}  // namespace nodezero::model
