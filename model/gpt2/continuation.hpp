// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <utility>
#include <vector>

#include "model/gpt2/generation.hpp"
#include "model/gpt2/model_config.hpp"

namespace nodezero::model {

struct ContinuationOptions {
  SamplingOptions sampling;
  std::int64_t tokens = 0;  ///< to generate at most
  TokenDetails details;
};

class KeyValueCache;
struct VersionDecoder;

/// One of many continuations that are generated together. Its tokens, and what is said about them,
/// have the bits that a Generator gives for the same weights, prompt and sampling.
class Continuation {
 public:
  /// Only the last `context` tokens of the prompt count.
  /// @throws std::invalid_argument if the prompt is empty or has a token outside of the vocabulary
  Continuation(const ModelConfig& config, std::span<const std::int32_t> prompt,
               ContinuationOptions options);
  ~Continuation();

  /// Nothing is left to do: it has its tokens, or the end token, and the prompt's log-probabilities
  /// if they are wanted.
  bool is_done() const { return is_done_; }

  /// The prompt's tokens that have been scored since the last call; none if they are not wanted.
  std::vector<ScoredToken> take_prompt() { return std::exchange(scored_prompt_, {}); }
  /// The tokens that have been generated since the last call.
  std::vector<ScoredToken> take_tokens() { return std::exchange(scored_, {}); }

 private:
  friend void advance(const ModelConfig& config, const std::shared_ptr<VersionDecoder>& version,
                      std::span<Continuation* const> continuations, std::int64_t tokens);

  std::span<const std::int32_t> next_piece(std::size_t most);
  bool wants_logits(std::size_t row_in_piece) const;
  void look_at(std::span<const float> logits);
  void draw(std::span<const float> logits);
  ScoredToken scored(std::int32_t id, std::span<const float> logits) const;

  ModelConfig config_;
  ContinuationOptions options_;
  std::vector<std::int32_t> window_;  ///< the tokens in the cache, and the ones to come
  std::size_t scored_to_ = 0;         ///< tokens of the prompt that have been scored
  std::size_t prompt_size_;           ///< in the window, until it moves
  std::unique_ptr<KeyValueCache> cache_;
  std::uint64_t drawn_ = 0;
  std::uint64_t target_ = 0;  ///< of `drawn_`, in this turn
  bool is_done_ = false;
  std::vector<ScoredToken> scored_prompt_, scored_;
  std::vector<float> biased_;
  std::shared_ptr<VersionDecoder> version_;  ///< kept for the next turn; see advance()
};

/// Takes continuations of the same weights forward together, each until it has `tokens` more or is
/// done. Prompts go in pieces, so that none holds up the others for long; the weights are packed as
/// soon as there are several. Each continuation holds `version` afterwards, so that whoever calls
/// needs to keep no more than a weak pointer to it and what it costs goes with the last
/// continuation.
void advance(const ModelConfig& config, const std::shared_ptr<VersionDecoder>& version,
             std::span<Continuation* const> continuations, std::int64_t tokens);

}  // namespace nodezero::model
