// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "model/text/tokenizer.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// A vocabulary as GGUF has it: GPT-2's symbols, what each token is, and "a b" for each merge.
struct GgufTokens {
  static constexpr std::int32_t normal = 1;
  static constexpr std::int32_t control = 3;
  static constexpr std::int32_t user_defined = 4;
  static constexpr std::int32_t unused = 5;

  std::vector<std::string> tokens;
  std::vector<std::int32_t> types;
  std::vector<std::string> merges;
};

/// The tokens of a tokenizer, and unused ones up to `vocabulary`. Characters outside of ASCII get
/// merges that join their bytes.
GgufTokens gguf_tokens_of(const Tokenizer& tokenizer, std::int64_t vocabulary);

/// The tokenizer with these tokens; unused ones and a last control token are left out where it is
/// one of bytes or characters. Fails with malformed.
Result<Tokenizer> tokenizer_of(const GgufTokens& tokens);

}  // namespace nodezero::model
