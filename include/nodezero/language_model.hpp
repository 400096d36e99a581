// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/tensors.hpp"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Windows of text as token ids, each with the id that follows it.
struct TokenWindows {
  std::int64_t sequences = 0;         ///< windows
  std::int64_t context = 0;           ///< tokens of a window, at most the model's context
  std::vector<std::int32_t> inputs;   ///< [sequences, context]
  std::vector<std::int32_t> targets;  ///< [sequences, context]; -1: not to be learned
};

/// A text to be continued.
struct Prompt {
  std::vector<std::int32_t> tokens;  ///< at least one; only the last `context` count
  std::int64_t count = 0;            ///< tokens to generate
  double temperature = 0.8;          ///< 0 is greedy
  std::int64_t top_k = 0;            ///< 0: no limit
  double top_p = 1.0;                ///< 1: no limit
  std::uint64_t seed = 1337;
};

/// GPT-2: a language model, whose loss is in nats a token. A Trainable, without dropout.
class NODEZERO_EXPORT LanguageModel {
 public:
  struct Sizes {
    std::int64_t layers = 4;
    std::int64_t heads = 4;  ///< divides the width
    std::int64_t width = 128;
    std::int64_t context = 64;
    std::int64_t vocabulary = 256;
  };
  using Batch = TokenWindows;
  using Input = Prompt;
  using Output = std::vector<std::int32_t>;  ///< the continuation, without the prompt
  /// Activations of one thread.
  struct NODEZERO_EXPORT Workspace {
    Workspace();
    ~Workspace();
    struct State;
    std::unique_ptr<State> state;
  };

  /// Fails with invalid_argument.
  static Result<LanguageModel> create(const Sizes& sizes);

  /// Names and shapes are those of the Hugging Face library's GPT-2.
  std::vector<TensorSpec> tensors() const;
  void initialize(std::uint64_t seed, Tensors parameters) const;
  Loss loss_and_gradient(ConstTensors parameters, const TokenWindows& batch, Tensors gradient,
                         Workspace& workspace) const;
  std::vector<std::int32_t> predict(ConstTensors parameters, const Prompt& prompt) const;
  std::optional<Error> check(const TokenWindows& batch) const;
  std::optional<Error> check(const Prompt& prompt) const;

 private:
  struct State;
  explicit LanguageModel(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

static_assert(Trainable<LanguageModel>);

}  // namespace nodezero
