// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include <nlohmann/json.hpp>

#include "model/bpe/byte_pairs.hpp"
#include "nodezero/error.hpp"

namespace nodezero::model {

/// Puts a vocabulary together from what its files say. The messages of its errors are as in
/// vocabulary_files.hpp.
class TokenList {
 public:
  /// `most`: ids are below it.
  explicit TokenList(std::size_t most) : most_(most) {}

  /// A token in GPT-2's symbols.
  Result<void> add(const std::string& symbols, const nlohmann::json& id);
  /// One that is never made of text; it may have been added as text before.
  Result<void> add_special(const std::string& text, const nlohmann::json& id, Token::Role role);
  /// A merge of two tokens in GPT-2's symbols; the later, the higher its rank.
  Result<void> add_merge(std::string_view left, std::string_view right);

  /// Fails if an id below the largest has no token.
  Result<BytePairs> finish(bool whole_first) &&;

 private:
  Result<std::size_t> slot_for(const std::string& shown, const nlohmann::json& id);

  std::size_t most_;
  std::vector<Token> tokens_;
  std::unordered_map<std::string, std::int32_t> ids_by_symbols_;
  std::vector<Merge> merges_;
};

}  // namespace nodezero::model
