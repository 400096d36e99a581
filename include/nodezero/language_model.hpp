// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "nodezero/error.hpp"
#include "nodezero/export.h"
#include "nodezero/tensors.hpp"
#include "nodezero/trainable.hpp"

namespace nodezero {

/// Windows of text as token ids, each id with the one that follows it.
struct TokenWindows {
  std::int64_t sequences = 0;         ///< windows
  std::int64_t context = 0;           ///< tokens per window, at most the model's context
  std::vector<std::int32_t> inputs;   ///< [sequences, context]
  std::vector<std::int32_t> targets;  ///< [sequences, context]; -1 is not learned
};

/// A text to continue.
struct Prompt {
  std::vector<std::int32_t> tokens;  ///< at least one; only the last `context` are used
  std::int64_t count = 0;            ///< tokens to generate, at most 1,000,000
  double temperature = 0.8;          ///< 0 always takes the likeliest token
  std::int64_t top_k = 0;            ///< 0: no limit
  double top_p = 1.0;                ///< 1: no limit
  std::uint64_t seed = 1337;
};

/// GPT-2, the language model that the program `nodezero` trains, without dropout. The loss is in
/// nats per token. A Trainable.
///
///     auto model = LanguageModel::create({.layers = 4, .heads = 4, .width = 128});
///     auto trainer = Trainer::create(*model, options);
class NODEZERO_EXPORT LanguageModel {
 public:
  struct Sizes {
    std::int64_t layers = 4;  ///< at most 10,000
    std::int64_t heads = 4;   ///< must divide the width
    std::int64_t width = 128;
    std::int64_t context = 64;
    std::int64_t vocabulary = 256;
  };
  using Batch = TokenWindows;
  using Input = Prompt;
  using Output = std::vector<std::int32_t>;  ///< the continuation, without the prompt
  /// The activations of one thread.
  struct NODEZERO_EXPORT Workspace {
    Workspace();
    ~Workspace();
    struct State;
    std::unique_ptr<State> state;
  };

  /// invalid_argument for sizes that no model can have.
  static Result<LanguageModel> create(const Sizes& sizes);

  Sizes sizes() const;

  /// Names and shapes as in the Hugging Face library's GPT-2.
  std::vector<TensorSpec> tensors() const;
  void initialize(std::uint64_t seed, Tensors parameters) const;
  Loss loss_and_gradient(ConstTensors parameters, const TokenWindows& batch, Tensors gradient,
                         Workspace& workspace) const;
  std::vector<std::int32_t> predict(ConstTensors parameters, const Prompt& prompt) const;
  std::optional<Error> check(const TokenWindows& batch) const;
  std::optional<Error> check(const Prompt& prompt) const;
  std::string identity() const;
  std::vector<std::byte> encode(const TokenWindows& batch) const;
  TokenWindows decode(std::span<const std::byte> bytes) const;

 private:
  struct State;
  explicit LanguageModel(std::shared_ptr<const State> state);
  std::shared_ptr<const State> state_;
};

static_assert(Portable<LanguageModel>);

}  // namespace nodezero
