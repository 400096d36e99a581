// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/text/corpus.hpp"

namespace nodezero::apps {

struct TokenizeOptions {
  std::string tokenizer;          ///< bytes, or a file or folder with a tokenizer
  std::vector<std::string> data;  ///< empty: standard input
  bool decode = false;            ///< from ids to text
  bool count = false;             ///< only tell how many tokens there are
  bool train = false;             ///< learn a tokenizer from the data
  std::int64_t vocabulary = 4'096;
  std::string out;  ///< token file, or with `train` tokenizer.json; empty: standard output
  model::TokenType token_type = model::TokenType::automatic;
  bool binary = false;
};

/// Turns text into ids and back, without a model.
/// @throws CommandError
void tokenize_command(const TokenizeOptions& options);

}  // namespace nodezero::apps
