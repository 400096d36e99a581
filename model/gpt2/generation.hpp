// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/tensor_set.hpp"

namespace nodezero::model {

struct SamplingOptions {
  double temperature = 0.8;  ///< 0 is greedy
  std::int64_t top_k = 0;    ///< 0: no limit
  double top_p = 1.0;        ///< 1: no limit
  std::uint64_t seed = 1337;
};

/// Fails with invalid_argument if temperature or top_k is negative or top_p outside (0, 1].
Result<void> validate(const SamplingOptions& options);

/// Picks the token at `index` of a generation: a pure function of logits, options and index.
/// Ties go to the lowest id.
std::int32_t sample(std::span<const float> logits, const SamplingOptions& options,
                    std::uint64_t index);

/// Generates from one immutable version of the weights with a key-value cache.
/// When the context is full, the newer half of the tokens is processed again and
/// generation goes on from there. Uses the calling thread only.
class Generator {
 public:
  /// `prompt` holds at least one token id; only its last `context` tokens count. With
  /// Precision::bf16, on any processor, the model that answers is `weights` rounded to bf16,
  /// computed in fp32: a step reads half of the bytes, which is what its time goes to in a large
  /// model. It holds one and a half copies of the weights of its own.
  Generator(const ModelConfig& config, std::shared_ptr<const Parameters> weights,
            std::span<const std::int32_t> prompt, const SamplingOptions& options,
            Precision precision = Precision::fp32);
  ~Generator();
  Generator(Generator&&) noexcept;
  Generator& operator=(Generator&&) noexcept;

  /// The next token id.
  std::int32_t next();

 private:
  struct State;
  std::unique_ptr<State> state_;
};

/// Logits [tokens, vocabulary] of one sequence of at most `context` tokens.
std::vector<float> logits(const ModelConfig& config, const Parameters& weights,
                          std::span<const std::int32_t> tokens);

}  // namespace nodezero::model
