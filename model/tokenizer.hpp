#pragma once

#include <cstdint>
#include <filesystem>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "model/error.hpp"

namespace nodezero::model {

/// Turns text into token ids and back. Immutable.
class Tokenizer {
 public:
  enum class Kind { bytes, chars, none };

  /// Token id = byte value; 256 ids; any file at all.
  static Tokenizer bytes();
  /// One id for each distinct Unicode code point, in code point order, as nanoGPT's.
  static Tokenizer chars(std::vector<char32_t> alphabet);
  /// Token files (.bin) have been tokenised elsewhere: ids only, text is refused.
  static Tokenizer none(std::int64_t vocabulary);

  Kind kind() const { return kind_; }
  std::int64_t vocabulary() const;
  /// Fails with unknown_character, naming the character and its place, or with
  /// malformed if chars meets text that is not UTF-8.
  Result<std::vector<std::int32_t>> encode(std::string_view text) const;
  /// Ids outside the vocabulary become U+FFFD; bytes are passed as they are.
  std::string decode(std::span<const std::int32_t> ids) const;
  /// The id of a code point, or -1.
  std::int32_t id_of(char32_t code_point) const;

  /// tokenizer.json in the form of Hugging Face's tokenizers (ByteLevel BPE without
  /// merges for bytes and ASCII alphabets, as the reference model has it).
  std::string to_json() const;
  static Result<Tokenizer> from_json(std::string_view json);

 private:
  Tokenizer(Kind kind, std::vector<char32_t> alphabet, std::int64_t vocabulary);
  Kind kind_;
  std::vector<char32_t> alphabet_;
  std::int64_t vocabulary_;
};

}  // namespace nodezero::model
