// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "model/kernels/precision.hpp"
#include "model/storage/model_folder.hpp"
#include "model/text/token_source.hpp"
#include "model/text/tokenizer.hpp"
#include "model/training/batch_source.hpp"

namespace nodezero::apps {

/// A token and the logarithm of the probability that a model gave it, as one line of JSON:
/// {"id": 72, "text": "H", "logprob": -3.25, "version": "96314c..."}. The logarithm is a decimal
/// that reads back to the same bits, and null for the first token of a window. The version is the
/// SHA-256 of the weights.
struct TokenLine {
  std::int32_t id = 0;
  std::optional<double> log_probability;
  std::string version;
};

std::string to_text(const TokenLine& line, const model::Tokenizer& tokenizer);

/// @throws CommandError with the number of the line that is not one
std::vector<TokenLine> read_token_lines(const std::string& path);

/// The logarithms of the probabilities of tokens 1, 2, ... of a window of at most context + 1
/// tokens, from the forward pass of training without dropout.
std::vector<double> log_probabilities(const model::ModelFolder& model, model::Precision precision,
                                      std::span<const std::int32_t> window);

/// Prints a line for every token of a range, in windows of `context` tokens that do not overlap.
/// @throws CommandError if the lines cannot be written
void print_token_lines(const model::ModelFolder& model, model::Precision precision,
                       const model::Tokenizer& tokenizer, const model::TokenSource& tokens,
                       model::TokenRange range);

/// Compares lines with the forward pass over the windows that generation had: a window begins with
/// a token without a logarithm, and when it holds `context` tokens, it goes on with the newer half
/// of them.
/// @throws CommandError that names the first line that differs, or what cannot be compared
void check_token_lines(const model::ModelFolder& model, model::Precision precision,
                       const std::vector<TokenLine>& lines);

}  // namespace nodezero::apps
