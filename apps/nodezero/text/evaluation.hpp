// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <memory>

#include "model/gpt2/model_config.hpp"
#include "model/kernels/precision.hpp"
#include "model/tensors/tensor_set.hpp"
#include "model/text/tokenizer.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {

/// The loss of a model over a range of tokens.
struct Evaluation {
  double loss = 0;  ///< nats per token
  std::uint64_t tokens = 0;
  std::uint64_t windows = 0;

  double perplexity() const;
};

/// The loss over all non-overlapping windows of `context` tokens, including a short last one.
/// Computed on `threads` threads (0: one per core). Sums are taken in the order of the windows, so
/// the number of threads does not change a bit of the result.
Evaluation evaluate(const model::ModelConfig& config, const model::Parameters& weights,
                    model::Precision precision,
                    const std::shared_ptr<const model::TokenSource>& tokens,
                    model::TokenRange range, std::uint32_t threads);

/// Number of bytes of text in the targets of a range, which are all its tokens but the first.
std::uint64_t target_bytes(const model::Tokenizer& tokenizer, const model::TokenSource& tokens,
                           model::TokenRange range);

}  // namespace nodezero::apps
