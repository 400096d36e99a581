// SPDX-License-Identifier: BSD-3-Clause

// The tokenizer.json of Hugging Face's tokenizers library: parsed here alone, and read here as far
// as bytes and characters need it. Both are byte-pair encodings that never merge a pair. With the
// ByteLevel pre-tokenizer the units are bytes, each written as one printable character; without it
// they are characters, written as they are. Tokens of several bytes are byte_pairs_from_json's.
#include <algorithm>
#include <array>
#include <optional>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "formats/bounded_json.hpp"
#include "model/bpe/byte_pairs.hpp"
#include "model/bpe/byte_symbols.hpp"
#include "model/bpe/tokenizer_document.hpp"
#include "model/bpe/vocabulary_files.hpp"
#include "model/text/character_table.hpp"
#include "model/text/tokenizer.hpp"
#include "model/text/utf8_text.hpp"

namespace nodezero::model {
namespace {

constexpr char32_t ascii_end = 0x80;

/// The library joins tokens with spaces unless a decoder says otherwise; Fuse joins them as
/// they are.
std::string document(std::span<const char32_t> symbols, bool bytes) {
  using Json = nlohmann::ordered_json;
  Json::object_t vocabulary;
  for (std::size_t id = 0; id < symbols.size(); ++id) {
    std::string symbol;
    append_utf8(symbols[id], symbol);
    // Symbols are distinct: appending to the underlying list spares ordered_json's search.
    static_cast<Json::object_t::Container&>(vocabulary).emplace_back(std::move(symbol), id);
  }
  return to_text({.pre_tokenizer = bytes ? byte_level(false, true, false) : Json(nullptr),
                  .post_processor = nullptr,
                  .decoder = bytes ? byte_level(true, true, true) : Json{{"type", "Fuse"}},
                  .vocabulary = std::move(vocabulary)});
}

tl::unexpected<Error> malformed(std::string what) {
  return fail(ErrorCode::malformed, "tokenizer.json " + std::move(what));
}

bool is_null_or_absent(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found == object.end() || found->is_null();
}

/// A list or object that is missing counts as empty.
std::size_t size_of(const nlohmann::json& object, const char* key) {
  const auto found = object.find(key);
  return found != object.end() && found->is_structured() ? found->size() : 0;
}

/// Whether the units are bytes; an error where text would be changed or cut before that.
Result<bool> reads_bytes(const nlohmann::json& json) {
  if (!is_null_or_absent(json, "normalizer")) {
    return malformed(
        "has a normalizer, which is not supported; only bytes, chars and GPT-2's tokenizers are");
  }
  if (is_null_or_absent(json, "pre_tokenizer")) {
    return false;
  }
  const auto& pre_tokenizer = json["pre_tokenizer"];
  if (!pre_tokenizer.is_object() || pre_tokenizer.value("type", nlohmann::json()) != "ByteLevel") {
    return malformed("has a pre-tokenizer that is not supported; only ByteLevel or none is");
  }
  if (pre_tokenizer.value("add_prefix_space", nlohmann::json(true)) != false) {
    return malformed("sets add_prefix_space, which is not supported; set it to false");
  }
  return true;
}

/// The one-character symbols of a vocabulary in the order of their ids.
Result<std::vector<char32_t>> symbols_of(const nlohmann::json& vocabulary) {
  std::vector<std::optional<char32_t>> symbols(vocabulary.size());
  for (const auto& [token, id] : vocabulary.items()) {
    const DecodedCharacter character =
        token.empty() ? DecodedCharacter{} : decode_utf8(std::string_view(token));
    if (character.bytes == 0 || character.bytes != token.size()) {
      return malformed(
          fmt::format("has the token {}, which is not one character; only bytes and chars "
                      "tokenizers are supported",
                      nlohmann::json(token).dump()));
    }
    if (!id.is_number_unsigned() || id.get<std::uint64_t>() >= symbols.size()) {
      return malformed(fmt::format("gives token {} the id {}, which is not one of 0 to {}",
                                   nlohmann::json(token).dump(), id.dump(), symbols.size() - 1));
    }
    auto& slot = symbols[id.get<std::size_t>()];
    if (slot.has_value()) {
      return malformed(
          fmt::format("gives the id {} to two tokens; save the tokenizer again", id.dump()));
    }
    slot = character.code_point;
  }
  std::vector<char32_t> result;
  for (const auto& symbol : symbols) {
    // As many distinct ids below n as there are tokens fill every slot.
    result.push_back(symbol.value());
  }
  return result;
}

Result<Tokenizer> from_byte_symbols(const std::vector<char32_t>& symbols) {
  const auto& table = byte_symbols();
  if (std::ranges::equal(symbols, table)) {
    return Tokenizer::bytes();
  }
  std::vector<char32_t> alphabet;
  for (const char32_t symbol : symbols) {
    const auto byte = static_cast<char32_t>(std::ranges::find(table, symbol) - table.begin());
    if (byte >= ascii_end) {
      return malformed(fmt::format(
          "stands for bytes, but neither for all 256 in order nor for ASCII characters alone ({} "
          "is neither), which is not supported",
          describe_character(symbol)));
    }
    alphabet.push_back(byte);
  }
  return Tokenizer::chars(std::move(alphabet));
}

}  // namespace

std::string Tokenizer::to_json() const {
  switch (kind_) {
    case Kind::none:
      return {};
    case Kind::bpe:
      return model::to_json(*pairs_);
    case Kind::bytes:
    case Kind::chars:
      break;
  }
  return json_without_merges();
}

std::string Tokenizer::json_without_merges() const {
  const auto& symbols = byte_symbols();
  if (kind_ == Kind::bytes) {
    return document(symbols, true);
  }
  if (std::ranges::any_of(alphabet_, [](char32_t c) { return c >= ascii_end; })) {
    return document(alphabet_, false);
  }
  std::vector<char32_t> ascii;
  for (const char32_t character : alphabet_) {
    ascii.push_back(symbols[character]);
  }
  return document(ascii, true);
}

Result<Tokenizer> Tokenizer::from_json(std::string_view text) {
  const auto read = formats::read_json(text);
  if (!read) {
    return malformed(read.error().message + "; save the tokenizer again");
  }
  const auto& json = *read;
  if (!json.is_object()) {
    return malformed("is not a JSON object; save the tokenizer again");
  }
  const auto model = json.find("model");
  if (model == json.end() || !model->is_object() || size_of(*model, "vocab") == 0 ||
      !(*model)["vocab"].is_object()) {
    return malformed("has no model with a vocabulary of tokens and ids; save the tokenizer again");
  }
  // Without merges it is bytes or chars, unless text is cut into pieces, in which a token may have
  // been added to the bytes.
  const auto pieces = json.value("pre_tokenizer", nlohmann::json());
  const bool cuts = pieces.is_object() && pieces.value("use_regex", nlohmann::json(false)) == true;
  if (size_of(*model, "merges") == 0) {
    auto plain = from_json_without_merges(json);
    if (plain || !cuts) {
      return plain;
    }
  }
  return byte_pairs_from_json(json)
      .map([](BytePairs&& pairs) { return bpe(std::move(pairs)); })
      .map_error([](const Error& error) {
        return Error{error.code, "tokenizer.json " + error.message};
      });
}

Result<Tokenizer> Tokenizer::from_json_without_merges(const nlohmann::json& json) {
  const auto& model = json["model"];
  if (model.value("type", nlohmann::json("BPE")) != "BPE") {
    return malformed(
        fmt::format("has a model of type {}; only BPE is supported", model["type"].dump()));
  }
  if (model["vocab"].size() > CharacterTable::max_tokens) {
    return malformed(
        fmt::format("has {} tokens; at most 65,535 are supported", model["vocab"].size()));
  }
  const auto bytes = reads_bytes(json);
  if (!bytes) {
    return tl::unexpected(bytes.error());
  }
  auto symbols = symbols_of(model["vocab"]);
  if (!symbols) {
    return tl::unexpected(symbols.error());
  }
  return *bytes ? from_byte_symbols(*symbols) : Tokenizer::chars(std::move(*symbols));
}

}  // namespace nodezero::model
