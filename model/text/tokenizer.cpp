// SPDX-License-Identifier: BSD-3-Clause
#include "model/text/tokenizer.hpp"

#include <cassert>

#include <fmt/format.h>

#include "model/bpe/byte_pairs.hpp"
#include "model/text/character_table.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

constexpr std::int64_t byte_count = 256;
constexpr char32_t replacement_character = 0xFFFD;
/// Bytes of text from which on an encoder's memory is filled with profit.
constexpr std::size_t worth_remembering = std::size_t{1} << 16;

std::shared_ptr<const CharacterTable> table_of(const std::vector<char32_t>& alphabet) {
  auto table = std::make_shared<CharacterTable>();
  for (std::size_t id = 0; id < alphabet.size(); ++id) {
    assert((*table)[alphabet[id]] == CharacterTable::absent && "a character stands twice");
    table->set(alphabet[id], static_cast<std::uint16_t>(id));
  }
  return table;
}

}  // namespace

Tokenizer::Tokenizer(Kind kind, std::vector<char32_t> alphabet, std::int64_t vocabulary)
    : kind_(kind),
      alphabet_(std::move(alphabet)),
      vocabulary_(vocabulary),
      table_(table_of(alphabet_)) {}

Tokenizer Tokenizer::bytes() {
  return {Kind::bytes, {}, byte_count};
}

Tokenizer Tokenizer::chars(std::vector<char32_t> alphabet) {
  assert(alphabet.size() <= CharacterTable::max_tokens);
  const auto vocabulary = static_cast<std::int64_t>(alphabet.size());
  return {Kind::chars, std::move(alphabet), vocabulary};
}

Tokenizer Tokenizer::bpe(BytePairs pairs) {
  Tokenizer tokenizer(Kind::bpe, {}, pairs.vocabulary());
  tokenizer.pairs_ = std::make_shared<const BytePairs>(std::move(pairs));
  return tokenizer;
}

Tokenizer Tokenizer::none(std::int64_t vocabulary) {
  return {Kind::none, {}, vocabulary};
}

Result<std::vector<std::int32_t>> Tokenizer::encode(std::string_view text) const {
  std::vector<std::int32_t> ids;
  ids.reserve(text.size());
  switch (kind_) {
    case Kind::none:
      return fail(ErrorCode::invalid_argument,
                  "this model takes token ids, not text, because another program made its tokens; "
                  "give token files (.bin)");
    case Kind::bytes:
      for (const char byte : text) {
        ids.push_back(static_cast<unsigned char>(byte));
      }
      return ids;
    case Kind::bpe:
      BytePairEncoder(*pairs_, text.size() > worth_remembering).encode(text, true, ids);
      return ids;
    case Kind::chars:
      break;
  }
  for (std::size_t at = 0; at < text.size();) {
    const DecodedCharacter character = decode_utf8(text.substr(at));
    if (character.bytes == 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("the text is not UTF-8 at byte {}; convert it to UTF-8", at));
    }
    const std::int32_t id = id_of(character.code_point);
    if (id < 0) {
      return fail(ErrorCode::malformed,
                  fmt::format("the text has {} at byte {}, which is not among the {} characters "
                              "that this model knows; leave it out",
                              describe_character(character.code_point), at, vocabulary_));
    }
    ids.push_back(id);
    at += character.bytes;
  }
  return ids;
}

std::string Tokenizer::decode(std::span<const std::int32_t> ids) const {
  std::string text;
  text.reserve(ids.size());
  for (const std::int32_t id : ids) {
    if (id < 0 || id >= vocabulary_) {
      append_utf8(replacement_character, text);
    } else if (kind_ == Kind::bytes) {
      text.push_back(static_cast<char>(id));
    } else if (kind_ == Kind::bpe) {
      const Token& token = pairs_->tokens()[static_cast<std::size_t>(id)];
      text += token.role == Token::Role::special ? std::string_view() : token.bytes;
    } else if (kind_ == Kind::chars) {
      append_utf8(alphabet_[static_cast<std::size_t>(id)], text);
    } else {
      fmt::format_to(std::back_inserter(text), "{}{}", text.empty() ? "" : " ", id);
    }
  }
  return text;
}

std::int32_t Tokenizer::id_of(char32_t code_point) const {
  switch (kind_) {
    case Kind::bytes:
      return code_point < 0x80 ? static_cast<std::int32_t>(code_point) : -1;
    case Kind::chars: {
      if (code_point > 0x10FFFF) {
        return -1;
      }
      const std::uint16_t id = (*table_)[code_point];
      return id == CharacterTable::absent ? -1 : id;
    }
    case Kind::bpe:
    case Kind::none:
      return -1;
  }
  return -1;
}

std::int32_t Tokenizer::end_token() const {
  return kind_ == Kind::bpe ? pairs_->end_token() : -1;
}

}  // namespace nodezero::model
