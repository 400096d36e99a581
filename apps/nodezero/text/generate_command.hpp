// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "model/gpt2/generation.hpp"
#include "model/kernels/precision.hpp"

namespace nodezero::apps {

struct GenerateOptions {
  std::string model;
  std::optional<std::string> prompt;  ///< "-": standard input; a line break if neither is given
  std::string prompt_file;            ///< instead of `prompt`
  std::int64_t tokens = 200;
  model::SamplingOptions sampling;
  model::Precision precision = model::Precision::fp32;
  bool log_probabilities = false;  ///< print lines as of TokenLine instead of text
};

/// Prints the prompt and its continuation, token by token.
/// @throws CommandError
void generate_command(const GenerateOptions& options);

}  // namespace nodezero::apps
