// SPDX-License-Identifier: BSD-3-Clause
#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "nodezero/error.hpp"

namespace nodezero::model {

class BytePairs;
class CharacterTable;

/// Turns text into token ids and back. Immutable; copies are cheap and share their table.
class Tokenizer {
 public:
  enum class Kind { bytes, chars, bpe, none };

  /// Token id = byte value; 256 ids; any file at all.
  static Tokenizer bytes();
  /// One id for each distinct Unicode code point, in the order given: that of code points
  /// for an alphabet found in text, as nanoGPT's, and any other for one that was loaded. At
  /// most 65,535, each once.
  static Tokenizer chars(std::vector<char32_t> alphabet);
  /// Byte-level BPE, as GPT-2's.
  static Tokenizer bpe(BytePairs pairs);
  /// Token files (.bin) have been tokenised elsewhere: ids only, text is refused.
  static Tokenizer none(std::int64_t vocabulary);

  Kind kind() const { return kind_; }
  std::int64_t vocabulary() const { return vocabulary_; }
  /// Fails with malformed, naming the character and its place, if chars lacks one or meets text
  /// that is not UTF-8. `none` refuses with invalid_argument.
  Result<std::vector<std::int32_t>> encode(std::string_view text) const;
  /// Ids outside the vocabulary become U+FFFD; bytes are passed as they are, and special tokens
  /// have no text. `none` knows no text and yields the ids as decimal numbers between spaces.
  std::string decode(std::span<const std::int32_t> ids) const;
  /// The id of a code point, or -1. For bytes, only ASCII code points have one.
  std::int32_t id_of(char32_t code_point) const;
  /// The id that stands between two texts, or -1 if there is none.
  std::int32_t end_token() const;
  /// For chars: the code points in the order of their ids; empty otherwise.
  std::span<const char32_t> alphabet() const { return alphabet_; }
  /// For chars: the lookup that `encode` uses.
  const CharacterTable& table() const { return *table_; }
  /// For bpe: the vocabulary and its merges.
  const BytePairs& byte_pairs() const { return *pairs_; }

  /// tokenizer.json in the form of Hugging Face's tokenizers: ByteLevel BPE without merges
  /// for bytes and ASCII alphabets, as the reference model has it; plain BPE over characters
  /// without merges for others; ByteLevel BPE with merges for bpe. `none` yields an empty string.
  std::string to_json() const;
  /// Reads what to_json writes and whatever else of that form Hugging Face's library saves.
  /// Fails with malformed, saying what is there that cannot be run, such as a normalizer.
  static Result<Tokenizer> from_json(std::string_view json);

 private:
  Tokenizer(Kind kind, std::vector<char32_t> alphabet, std::int64_t vocabulary);
  std::string json_without_merges() const;
  static Result<Tokenizer> from_json_without_merges(const nlohmann::json& json);

  Kind kind_;
  std::vector<char32_t> alphabet_;
  std::int64_t vocabulary_;
  std::shared_ptr<const CharacterTable> table_;
  std::shared_ptr<const BytePairs> pairs_;  ///< null but for bpe
};

}  // namespace nodezero::model
