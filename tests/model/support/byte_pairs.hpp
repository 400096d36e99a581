// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "model/bpe/byte_pair_training.hpp"
#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/vocabulary_files.hpp"
#include "tests/model/support/files.hpp"

namespace nodezero::model {

/// See the README there.
inline std::filesystem::path fixtures_folder() {
  return nodezero::test::source_folder() / "tests/model/fixtures";
}

/// GPT-2's merges as OpenAI's vocab.bpe.
inline std::string gpt2_merges() {
  return content_of(fixtures_folder() / "gpt2-vocab.bpe");
}

/// GPT-2's encoder.json, which follows from its merges: the bytes in the order of their symbols,
/// what the merges make, and <|endoftext|>.
inline nlohmann::json gpt2_vocabulary() {
  nlohmann::json ids;
  const auto bytes = BytePairTrainer().train(257);
  for (const Token& token : bytes.tokens().subspan(1)) {
    ids[to_symbols(token.bytes)] = ids.size();
  }
  std::istringstream lines(gpt2_merges());
  std::string line;
  std::getline(lines, line);
  while (std::getline(lines, line)) {
    line.erase(line.find(' '), 1);
    ids[line] = ids.size();
  }
  ids["<|endoftext|>"] = ids.size();
  return ids;
}

inline BytePairs gpt2_byte_pairs() {
  return byte_pairs_from_files(gpt2_vocabulary().dump(), gpt2_merges()).value();
}

/// That of the model in tests/oracle/data/bpe.
inline BytePairs small_byte_pairs() {
  return byte_pairs_from_json(
             nlohmann::json::parse(content_of(data_folder() / "bpe/tokenizer.json")))
      .value();
}

}  // namespace nodezero::model
