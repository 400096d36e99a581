// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "apps/nodezero/terminal/json_answer.hpp"
#include "model/kernels/precision.hpp"
#include "model/text/corpus.hpp"

namespace nodezero::apps {

struct EvaluateOptions {
  std::string model;
  std::vector<std::string> data;  ///< this or split
  std::string split;
  model::TokenType token_type = model::TokenType::automatic;
  bool binary = false;
  std::uint32_t threads = 0;  ///< 0: one per core
  JsonOptions output;
  std::optional<model::Precision> precision;  ///< by default that of the model's run
  bool log_probabilities = false;             ///< print a TokenLine for each token instead
  std::string check;                          ///< file of TokenLines to check instead
};

/// Prints loss, perplexity and bits per byte.
/// @throws CommandError
void evaluate_command(const EvaluateOptions& options);

}  // namespace nodezero::apps
